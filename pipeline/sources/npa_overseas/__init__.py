"""Arrests and raided bases of special fraud, abroad and in Japan, as releases and press printed them: see `source.yml`."""
