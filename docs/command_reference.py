"""The directive `command-reference`: every command of a program with its arguments, from the program's own parser."""

from __future__ import annotations

import re
from argparse import SUPPRESS, Action, ArgumentParser, _HelpAction, _SubParsersAction
from collections.abc import Iterator, Mapping

from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from itl.cli import main
from registry_client import arguments

PARSERS = {"itl": main.parser, "registry": arguments.parser}


class CommandReference(SphinxDirective):
    """`.. command-reference:: itl`"""

    required_arguments = 1

    def run(self) -> list[object]:
        self.env.note_reread()  # the program may have changed where the page has not
        (program,) = self.arguments
        text = StringList(list(reference(PARSERS[program]())), source=program)
        self.state_machine.insert_input(text, program)
        return []


def reference(parser: ArgumentParser) -> Iterator[str]:
    """The lines of a section for each command, and for each command of a command; first the arguments before it."""
    yield from _arguments(parser)
    for command in subcommands(parser).values():
        title = command.prog
        yield from (title, "-" * len(title), "", _escaped(command.description or ""), "")
        yield from _literal(command.format_usage())
        yield from _literal(command.epilog or "")
        yield from reference(command)


def subcommands(parser: ArgumentParser) -> Mapping[str, ArgumentParser]:
    """The commands of a program, by name."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            return action.choices
    return {}


def _literal(text: str) -> Iterator[str]:
    if text:
        yield from ("::", "", *(f"   {line}" for line in text.splitlines()), "")


def _arguments(parser: ArgumentParser) -> Iterator[str]:
    for group in parser._action_groups:
        actions = [each for each in group._group_actions if _is_shown(each)]
        if actions and group.title not in ("options", "positional arguments"):
            yield from (f"*{_escaped(group.title or '')}*", "")
        for action in actions:
            text = parser._get_formatter()._expand_help(action) if action.help else ""
            yield from (f"``{_invocation(action)}``", f"   {_escaped(text)}", "")


def _is_shown(action: Action) -> bool:
    return action.help != SUPPRESS and not isinstance(action, _HelpAction | _SubParsersAction)


def _invocation(action: Action) -> str:
    names = ", ".join(action.option_strings)
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest)
    if action.nargs == 0:
        return names
    written = str(value) if action.metavar or action.choices or not names else str(value).upper()
    return f"{names} {written}".strip()


def _escaped(text: str) -> str:
    """Plain text for reStructuredText; what stands in backquotes is a literal."""
    pieces = re.split(r"`([^`]*)`", " ".join(text.split()))
    pieces[0::2] = [re.sub(r"([\\*|_])", r"\\\1", plain) for plain in pieces[0::2]]
    pieces[1::2] = [f"``{literal}``" for literal in pieces[1::2]]
    return "".join(pieces)
