"""A registry's part in reconciliation: its snapshot, its answers, and on request the faults that a log must find."""
