"""Measuring the log beside an empty echo of the same messages, as ratios taken in one run on one machine."""
