"""Releases: which periods the figures allow, what each is made from, why it takes the place of the one before, and making it.

In: a store with views and their histories, a frequency, periods, an as-of date. Out: release folders, the pointers to those
that speak now, and for each period the record of all its releases (`pipeline.publish.period`), which changes with its pointer;
and, for `plan`, what would be done. A release is a function of what it shows, of how that came about, and of the code.

A period whose figures are all gone is withdrawn: its last release stays readable, and speaks no more. A release under embargo
(`pipeline.embargoes`) is made, and speaks when its time has come; until then nothing else is made of the files that it holds.
`now` is the moment that embargoes are compared with; without one, all are in force.
"""
