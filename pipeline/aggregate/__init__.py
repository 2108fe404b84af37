"""Observations of all snapshots of a source: the view as of a date, and the figures derived from it."""
