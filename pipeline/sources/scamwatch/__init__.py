"""Scamwatch (Australia): cells of reports by month, state, contact, age, sex and category."""
