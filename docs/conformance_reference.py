"""The directive `conformance-reference`: the tests of a hub or of a registry, and the requirements that they cover."""

from __future__ import annotations

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from registry_client.conformance.reports import reference
from registry_client.conformance.requirements import Subject


class ConformanceReference(SphinxDirective):
    """`.. conformance-reference:: hub`"""

    required_arguments = 1

    def run(self) -> list[object]:
        self.env.note_reread()  # the program may have changed where the page has not
        text = StringList(reference.page(Subject(self.arguments[0])).splitlines(), source=reference.__name__)
        self.state_machine.insert_input(text, reference.__name__)
        return []
