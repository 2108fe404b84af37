"""Unauthorised transfers in internet banking, by the police and by the banks' survey: see `source.yml`."""
