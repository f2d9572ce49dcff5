"""Old traffic through the log again: the public reports of the CDM registry, each row as the exchange it once was."""
