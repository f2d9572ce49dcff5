"""Sphinx configuration. Nothing is fetched while building; the references come from the program itself."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from check_reference import CheckReference
from command_reference import CommandReference
from conformance_reference import ConformanceReference
from faulty_peers_reference import FaultyPeers
from interop_matrix import InteropMatrix
from sphinx.application import Sphinx

from itl import __version__

project = "The open International Transaction Log"
author = "the contributors"
version = release = __version__
language = "en"

exclude_patterns = ["_build", "examples"]
html_theme = "alabaster"
html_theme_options = {"fixed_sidebar": True, "page_width": "70em"}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_show_sourcelink = False
html_copy_source = False
smartquotes = False  # what is typed into a terminal must not change
nitpicky = True


def setup(app: Sphinx) -> None:
    app.add_directive("command-reference", CommandReference)
    app.add_directive("check-reference", CheckReference)
    app.add_directive("conformance-reference", ConformanceReference)
    app.add_directive("faulty-peers", FaultyPeers)
    app.add_directive("interop-matrix", InteropMatrix)
