"""400 to 403: time, free text, notices."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from itl.codes import NoticeType, UnitType
from itl.messages import MessageRequest, ProvideTimeRequest
from registry_client.conformance.judging import require_acknowledged
from registry_client.conformance.registry.replacement import noticed
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Failed, Group

GROUP: Group[RegistryTester] = Group("Administration")

_TEXT = 'Conformance test 401: Grüße, <angle> & "quotes"'
_LONGEST = 2_000
"""Characters of a text that a connected registry kept."""


@GROUP.case("400", "The registry tells its time, which is right", "R-TIME-1")
def the_time(t: RegistryTester) -> None:
    # the log's own time in the question is another one: the registry must tell its own
    before = t.clock()
    answer = t.log.call(ProvideTimeRequest(**t.log.head(), itl_system_time=before + timedelta(hours=2)))
    require_acknowledged(answer, "provideTime")
    half = (t.clock() - before) / 2
    off = abs((answer.system_time - (before + half)).total_seconds())
    if off > t.profile.clock_tolerance + half.total_seconds():
        raise Failed(f"the time of the registry is {off:.0f} s off; at most {t.profile.clock_tolerance:g} are allowed")


@GROUP.case("401", "Free text of the log is taken, also a long one", "R-MESSAGE-1")
def text_is_taken(t: RegistryTester) -> None:
    for text in (_TEXT, "long " * (_LONGEST // 5)):
        message = MessageRequest(**t.log.head(), message_content=text, message_date_time=t.clock())
        for _ in range(2):  # the same again is a repeat
            require_acknowledged(t.log.call(message), "free text")


@GROUP.case("402", "Free text of the registry's people reaches the log as it was written", "R-MESSAGE-2")
def text_arrives(t: RegistryTester) -> None:
    text = f"Conformance test 402 {t.fresh.number()} äöü"
    t.ask("message", text=text)
    t.log.expect("acceptMessage", "the text", lambda message: message.message_content == text)


@GROUP.case("403", "A notice of every type is taken, and so is its update", "R-NOTICE-1")
def notices_are_taken(t: RegistryTester) -> None:
    block = t.units(UnitType.LCER)
    for kind in NoticeType:
        if kind is not NoticeType.UPDATE:
            notice = noticed(t, kind, block)
    update = replace(
        notice, notification_type=int(NoticeType.UPDATE), notification_status=2, message_content="Conformance: partly"
    )
    completed = replace(update, notification_status=3, message_content="Conformance: completed")
    for each in (update, completed):
        require_acknowledged(t.log.call(each), f"an update of the notice {each.notification_identifier}")
