"""400 to 403: time, free text, notices."""

from __future__ import annotations

from datetime import timedelta

from itl.codes import NoticeType
from itl.messages import MessageRequest, ProvideTimeResponse
from registry_client.conformance.hub.replacement import own_project
from registry_client.conformance.hub.tester import HubTester
from registry_client.conformance.playing import Received
from registry_client.conformance.suite import Failed, Group

GROUP: Group[HubTester] = Group("Administration")

CLOCK_TOLERANCE = timedelta(seconds=60)
_TEXT = 'Conformance test {number}: Grüße, <angle> & "quotes"'


@GROUP.case("400", "The hub tells its time, and asks for ours", "TIME-1")
def the_time(t: HubTester) -> None:
    party = t.initiator

    def told(received: Received) -> object:
        return party.reply(received, ProvideTimeResponse(system_time=t.clock(), result_identifier=1))

    with party.answering("provideTime", told):  # type: ignore[arg-type]
        t.ask("time", {"registry": party.code})
        found = party.expect("provideTime", "a question for the time")
    off = abs(found.message.itl_system_time - found.at)
    if off > CLOCK_TOLERANCE:
        raise Failed(f"the time of the hub is {off.total_seconds():.0f} s off; at most {CLOCK_TOLERANCE} are allowed")


@GROUP.case("401", "Free text from a registry is taken", "MESSAGE-1")
def text_is_taken(t: HubTester) -> None:
    text = _TEXT.format(number=401)
    for _ in range(2):  # the same again is a repeat
        message = MessageRequest(**t.initiator.head(), message_content=text, message_date_time=t.clock())
        t.acknowledged(t.initiator.call(message), "free text")


@GROUP.case("401/1106", "Refused with 1106: the time of a message lies in the future", "CHECK-1106")
def text_from_the_future(t: HubTester) -> None:
    ahead = t.clock() + timedelta(days=2)
    message = MessageRequest(**t.initiator.head(), message_content="from the future", message_date_time=ahead)
    t.refused_at_once(t.initiator.call(message), "free text of the day after tomorrow", 1106)


@GROUP.case("402", "Free text of the log's administrators arrives as it was written", "MESSAGE-2")
def text_arrives(t: HubTester) -> None:
    number = t.fresh.transaction(t.initiator.code)
    text = f"Conformance test 402 {number} äöü"
    t.ask("message", {"registry": t.initiator.code, "text": text})
    found = t.initiator.expect("acceptMessage", "the text", lambda message: number in message.message_content)
    if found.message.message_content != text:
        raise Failed(f"the text was written as {text!r}; it arrived as {found.message.message_content!r}")
    if found.message.message_date_time > found.at + CLOCK_TOLERANCE:
        raise Failed(f"the text is dated {found.message.message_date_time}, in the future")


@GROUP.case("403", "A notice comes with all that its type has", "NOTICE-1")
def a_notice_comes(t: HubTester) -> None:
    project = own_project(t)
    named = f"{t.profile.project.host}{project}"
    text = f"conformance {t.fresh.transaction(t.initiator.code)}"
    kind = NoticeType.NON_SUBMISSION_OF_CERTIFICATION_REPORT
    values = {"registry": t.initiator.code, "text": text, "project": named, "type": str(int(kind)), "units": "10"}
    t.ask("notice", values)
    found = t.initiator.expect("acceptITLNotice", "the notice", lambda message: message.message_content == text).message
    told = (found.notification_type, found.notification_status, found.project_number, found.target_value)
    if told != (kind, 1, named, 10):
        raise Failed(
            f"the notice must have type {int(kind)}, status 1 (open), project {named} and 10 units; it has {told}"
        )
    if found.action_due_date is None:
        raise Failed("a notice must say until when it is to be done: some registries cannot store it otherwise")
