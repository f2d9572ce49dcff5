"""The directive `check-reference`: every code of the catalogue, from catalogue, functions and samples."""

from __future__ import annotations

from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from itl.checks import reference_page


class CheckReference(Directive):
    """`.. check-reference::`, the whole of a page."""

    def run(self) -> list[object]:
        text = StringList(reference_page.page().splitlines(), source=reference_page.__name__)
        self.state_machine.insert_input(text, reference_page.__name__)
        return []
