"""Rehearsals: a log and a registry made for the purpose, with faults planted, to see that all of them are found."""
