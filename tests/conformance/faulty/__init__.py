"""Hubs with one thing wrong each, of which the suite must catch every one, and name it."""
