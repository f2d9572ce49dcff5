"""Structured logs on standard error: JSON a line for programs, columns for a person at a terminal."""

from __future__ import annotations

import logging
import sys

import structlog

_always: dict[str, str] = {}


def tell_always(**known: str) -> None:
    """Put `known`, such as the environment, into every event until logs are configured anew."""
    _always.update(known)


def configure(level: str = "info", json: bool | None = None) -> None:
    """`json` None: JSON unless standard error is a terminal."""
    _always.clear()
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            lambda _logger, _method, event: {**event, **_always},
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # whatever standard error is by then
        cache_logger_on_first_use=False,
    )
    logging.getLogger("spyne").setLevel(logging.ERROR)  # it warns of every second endpoint in a process
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
