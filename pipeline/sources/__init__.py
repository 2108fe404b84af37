"""One folder a publisher's dataset: `source.yml`, `crosswalk.csv`, and `reader.py` where the layout needs code."""
