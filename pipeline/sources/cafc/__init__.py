"""Canadian Anti-Fraud Centre: record-level reports, the whole history in each quarterly file."""
