"""Card fraud, by the Japan Consumer Credit Association: see `source.yml`."""
