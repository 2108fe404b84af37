"""Tools that made what the repository ships; no step of the pipeline needs them."""
