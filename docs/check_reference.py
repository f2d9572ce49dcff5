"""The directive `check-reference`: every code of the catalogue, from catalogue, functions and samples."""

from __future__ import annotations

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from itl.checks import reference_page


class CheckReference(SphinxDirective):
    """`.. check-reference::`, the whole of a page."""

    def run(self) -> list[object]:
        self.env.note_reread()  # the program may have changed where the page has not
        text = StringList(reference_page.page().splitlines(), source=reference_page.__name__)
        self.state_machine.insert_input(text, reference_page.__name__)
        return []
