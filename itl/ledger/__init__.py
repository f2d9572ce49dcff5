"""The ledger as values: unit blocks as ranges of serials, and what transactions do to them."""
