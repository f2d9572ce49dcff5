"""Delivery: what the log has to tell goes out on a lane per registry, in order per transaction, until answered."""
