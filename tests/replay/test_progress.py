"""The line that says how far a long command is."""

from __future__ import annotations

import io

from itl.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(stream: io.StringIO, *counts_by_second: int) -> str:
    """What is written when so many things are done at each second, of 10,000."""
    now = 0.0
    shown = Progress(10_000, "rows", stream, lambda: now)
    for count in counts_by_second:
        shown.add(count)
        now += 1.0
    shown.end()
    return stream.getvalue()


def test_into_a_file_goes_a_line_now_and_then() -> None:
    assert progress(io.StringIO(), 0, *[100] * 31) == "3,000 of 10,000 rows, 100 a second, 0:01:10 left\n"


def test_a_terminal_has_one_line_that_is_written_over_and_left() -> None:
    assert progress(Terminal(), 0, 20, 20) == (
        "\r\x1b[K20 of 10,000 rows, 20 a second, 0:08:19 left"
        "\r\x1b[K40 of 10,000 rows, 20 a second, 0:08:18 left"
        "\r\x1b[K"
    )


def test_what_was_there_before_does_not_make_it_fast() -> None:
    assert "9,020 of 10,000 rows, 20 a second, 0:00:49 left" in progress(Terminal(), 9_000, 20)
