"""Victims by sex and age in the annual crime book of Japan's National Police Agency."""
