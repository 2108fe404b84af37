"""Headline figures of the National Police Agency, as each release printed them: see `source.yml`."""
