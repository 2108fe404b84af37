"""US Federal Trade Commission, Consumer Sentinel Network Data Book: the CSV edition, one folder a year."""
