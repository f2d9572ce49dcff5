"""What free text the log sends to registries may be."""

from __future__ import annotations

from itl.errors import UsageError

MOST_CHARACTERS = 2000
"""A connected registry stores no more of a message or a notice."""
MOST_SHOWN = 1024
"""Its user interface takes no longer text, so an answer that quotes a longer one may be cut."""


def require_sendable(text: str) -> None:
    """UsageError for a text that is empty, longer than registries store, or not to be written in XML."""
    if not text.strip():
        raise UsageError("the text says nothing; give one")
    if len(text) > MOST_CHARACTERS:
        raise UsageError(
            f"the text has {len(text)} characters, and registries store {MOST_CHARACTERS}; shorten or split it"
        )
    unwritable = next((each for each in text if not _is_writable(each)), None)
    if unwritable is not None:
        raise UsageError(f"the text has the character U+{ord(unwritable):04X}, which XML cannot carry; leave it out")


def is_long(text: str) -> bool:
    """Whether a registry's user interface may not take as much."""
    return len(text) > MOST_SHOWN


def _is_writable(character: str) -> bool:
    point = ord(character)
    return character in "\t\n\r" or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000
