"""The stage that judges observations: suites of rules, verdicts with quarantine, reconciliation, Data Docs.

In: a frame of observations of one snapshot and the suite of its source. Out: a verdict that says which rows go on, which are set
aside and why, and whether the source stops. Nothing here writes; the frames and the bytes go back to the caller.
"""
