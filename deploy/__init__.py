"""How the pipeline is run and scheduled on one machine."""
