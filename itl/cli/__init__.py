"""The commands of the log: `itl ...`."""
