"""The pages that people read, and what of them a program can judge."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.rst"), *ROOT.glob("docs/*.rst"), *ROOT.glob("deploy/**/*.rst")])
EXAMPLES = ROOT / "docs" / "examples"

PROGRAMS = ("itl", "registry")
OPENING = re.compile(r"^(?:(?:/\S+|\.venv)/bin/)?(itl|registry)\s")
LITERAL = re.compile(r"``([^`]+)``")
END = re.compile(r"\s(?:[|&<>]|2>|#|--\s)")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line as a page shows it. `is_mention` is one inside a sentence, which may be a command's name alone."""

    page: str
    text: str
    is_mention: bool

    @property
    def words(self) -> list[str]:
        """Without the program."""
        return shlex.split(END.split(f"{self.text} ")[0])[1:]

    @property
    def program(self) -> str:
        return Path(self.text.split()[0]).name

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def section(page: str, title: str) -> str:
    """The text of a section of `docs/page`, up to the next title."""
    _, found, rest = (ROOT / "docs" / page).read_text().partition(f"\n{title}\n{'-' * len(title)}\n")
    assert found, f"{page} has no section {title}"
    return re.split(r"\n[^\n]+\n-+\n", rest)[0]


def typed(name: str, text: str) -> Iterator[CommandLine]:
    """The command lines in `text`, of the page `name`, that follow a prompt."""
    for line in text.replace("\\\n", " ").splitlines():
        prompt, dollar, words = line.partition("$ ")
        if dollar and not prompt.strip() and OPENING.match(words):
            yield CommandLine(name, words, is_mention=False)


def command_lines() -> Iterator[CommandLine]:
    """Every command line of the programs in all pages: what follows a prompt, and literals in sentences."""
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        text = page.read_text()
        yield from typed(name, text)
        for literal in LITERAL.findall(re.sub(r"\s*\n\s*", " ", text)):
            if OPENING.match(f"{literal} ") and literal not in PROGRAMS:
                yield CommandLine(name, literal, is_mention=True)
