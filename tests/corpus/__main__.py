"""Writes down the hits of the corpus anew: `python -m tests.corpus`. Look at the difference before committing it."""

from tests.corpus.hits import FILE, table

FILE.write_text(table(), encoding="utf-8")
