"""Measurements of cost: each is one command, prints a table, and is never a test."""
