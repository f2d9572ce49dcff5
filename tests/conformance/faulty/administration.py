"""Hubs whose clock, texts or notices are wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from itl.checks.override import Override
from itl.wire.outgoing import HttpReply
from tests.conformance.faulty.hub import Answer, Call, Deliver, FaultyHub, Right, Sent, Wrong, acknowledged, sharing

_NEVER = 2.0


def _saying(operation: str, change: Callable[[Any], Any]) -> Callable[[], Wrong]:
    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        return deliver(sent.saying(change(sent.message)) if sent.operation == operation else sent)

    return lambda: Wrong(send=send)


def _never(operation: str) -> Callable[[], Wrong]:
    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        return acknowledged(operation) if sent.operation == operation else deliver(sent)

    return lambda: Wrong(send=send)


def _refuses_texts() -> Wrong:
    def answer(call: Call, right: Right) -> Answer:
        given = right(call)
        if call.operation != "acceptMessage":
            return given
        refused = replace(given.message(call.operation), result_identifier=0, response_codes=(1001,))
        return given.saying(call.operation, refused)

    return Wrong(answer=answer)


def _in_latin_1(message: Any) -> Any:
    return replace(message, message_content=message.message_content.encode().decode("latin-1"))


def _with_entities(message: Any) -> Any:
    return replace(message, message_content=message.message_content.replace("ä", "&#228;"))


def _refuses_notices() -> Wrong:
    """A transaction that names a notice is refused: the hub does not know what it told."""

    def send(sent: Sent, deliver: Deliver) -> HttpReply:
        if sent.operation != "acceptITLNotice":
            return deliver(sent)
        message = sent.message
        return deliver(sent.saying(replace(message, notification_identifier=message.notification_identifier + 1000)))

    return Wrong(send=send)


_ALL = (
    FaultyHub(
        "slow-clock",
        "tells a time that is five minutes slow",
        ("TIME-1",),
        ("400",),
        r"the time of the hub is (29|30)\d s off",
        _saying(
            "provideTime",
            lambda message: replace(message, itl_system_time=message.itl_system_time - timedelta(minutes=5)),
        ),
    ),
    FaultyHub(
        "never-asks-time",
        "asks nobody for the time",
        ("TIME-1",),
        ("400",),
        "did not call provideTime",
        _never("provideTime"),
        _NEVER,
    ),
    FaultyHub(
        "refuses-texts",
        "refuses free text",
        ("MESSAGE-1",),
        ("401",),
        "free text must be answered with result 1",
        _refuses_texts,
    ),
    FaultyHub(
        "loses-texts",
        "does not pass on what its administrators write",
        ("MESSAGE-2",),
        ("402",),
        "did not call acceptMessage",
        _never("acceptMessage"),
        _NEVER,
    ),
    FaultyHub(
        "garbles-texts",
        "sends texts in another encoding than it says",
        ("MESSAGE-2",),
        ("402",),
        "arrived as",
        _saying("acceptMessage", _in_latin_1),
        _NEVER,
    ),
    FaultyHub(
        "escapes-texts",
        "sends letters as entities that stay so",
        ("MESSAGE-2",),
        ("402",),
        "arrived as",
        _saying("acceptMessage", _with_entities),
        _NEVER,
    ),
    FaultyHub(
        "texts-of-tomorrow",
        "dates texts a day ahead",
        ("MESSAGE-2",),
        ("402",),
        "in the future",
        _saying(
            "acceptMessage",
            lambda message: replace(message, message_date_time=message.message_date_time + timedelta(days=1)),
        ),
    ),
    FaultyHub(
        "loses-notices",
        "does not send a notice that it raised",
        ("NOTICE-1",),
        ("403",),
        "did not call acceptITLNotice",
        _never("acceptITLNotice"),
        _NEVER,
    ),
    FaultyHub(
        "notice-without-date",
        "sends a notice that does not say until when it is to be done",
        ("NOTICE-1",),
        ("403",),
        "until when",
        _saying("acceptITLNotice", lambda message: replace(message, action_due_date=None)),
    ),
    FaultyHub(
        "notice-without-project",
        "sends a notice about a project that does not name it",
        ("NOTICE-1",),
        ("403",),
        "the notice must have type",
        _saying("acceptITLNotice", lambda message: replace(message, project_number=None)),
    ),
    FaultyHub(
        "notice-done",
        "sends a new notice as one that was done",
        ("NOTICE-1",),
        ("403",),
        "the notice must have type.*status 1",
        _saying("acceptITLNotice", lambda message: replace(message, notification_status=3)),
    ),
    FaultyHub(
        "unknown-notice",
        "does not know a notice by the identifier that it told",
        ("NOTICE-2", "REPLACE-2"),
        ("192",),
        "told status 3 with code 4016",
        _refuses_notices,
    ),
    FaultyHub(
        "notice-answered-again",
        "lets a notice be answered that was answered whole",
        ("NOTICE-2",),
        ("192/again",),
        "must be told status 3",
        lambda: Wrong(override=Override(off=frozenset({4016, 5215}))),
    ),
)

HUBS = (*sharing(each for each in _ALL if each.name != "notice-answered-again"), _ALL[-1])
