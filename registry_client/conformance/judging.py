"""What both directions ask of an acknowledgement, and how they write codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry_client.conformance.suite import Failed


def require_acknowledged(answer: Any, what: str) -> None:
    """An acknowledgement must be result 1 without a code."""
    if answer.result_identifier != 1 or answer.response_codes:
        raise Failed(f"{what} must be answered with result 1 and no code; the answer was {said(answer)}")


def require_refused(answer: Any, what: str, codes: Sequence[int]) -> None:
    """An acknowledgement must be result 0 with just these codes."""
    expected = sorted(codes)
    if answer.result_identifier != 0 or sorted(answer.response_codes or ()) != expected:
        raise Failed(f"{what} must be answered with result 0 and {listed(expected)}; the answer was {said(answer)}")


def said(answer: Any) -> str:
    return f"result {answer.result_identifier} with {listed(answer.response_codes or ())}"


def listed(codes: Sequence[int]) -> str:
    return f"code {', '.join(map(str, codes))}" if codes else "no code"
