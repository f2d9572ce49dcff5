"""The endpoint on functions of one's own, without the reference registry and its store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from itl.messages import MessageRequest, MessageResponse, NotificationResponse, ProvideTimeRequest, ProvideTimeResponse
from itl.wire.contract import OPERATIONS, Port, python_name
from itl.wire.faults import PeerFault
from registry_client.endpoint import Answer, Callbacks, Refused, mounted
from registry_client.settings import Settings
from tests.registry_client.hub import call
from tests.registry_client.log import NOON, notification

HEAD: dict[str, Any] = {"sender": "ITL", "addressee": "GB", "major_version": 1, "minor_version": 1}
TEXT = MessageRequest(**HEAD, message_content="maintenance on Sunday", message_date_time=NOON)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(callbacks: Callbacks) -> Iterator[str]:
    """By the server of the standard library: it has never heard of ours."""
    with make_server("127.0.0.1", 0, mounted(callbacks, Settings(code="GB")), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_there_is_a_callback_for_each_operation() -> None:
    assert {field.name for field in fields(Callbacks)} == {python_name(name) for name in OPERATIONS[Port.REGISTRY]}


def test_callbacks_answer() -> None:
    heard: list[MessageRequest] = []

    def accept(message: MessageRequest) -> Answer:
        heard.append(message)
        return None

    callbacks = Callbacks(
        accept_message=accept,
        accept_notification=lambda notification: Refused((3002,)),
        provide_time=lambda: NOON,
    )
    with served(callbacks) as url:
        assert call(url, TEXT) == MessageResponse(result_identifier=1)
        told = call(url, notification("GB", "GB1", 2))
        assert told == NotificationResponse(result_identifier=0, response_codes=(3002,))
        time = call(url, ProvideTimeRequest(**HEAD, itl_system_time=NOON))
        assert time == ProvideTimeResponse(system_time=NOON, result_identifier=1)
    assert heard == [TEXT]


def test_who_is_not_the_hub_does_not_reach_a_callback() -> None:
    heard: list[object] = []
    with served(Callbacks(accept_notification=heard.append)) as url:
        reply = call(url, notification("FR", "GB1", 2))
    assert reply == NotificationResponse(result_identifier=0, response_codes=(1005,))
    assert heard == []


def test_what_a_callback_raises_is_a_fault_of_the_server_and_what_is_absent_one_of_the_caller() -> None:
    def fail(message: MessageRequest) -> Answer:
        raise OSError("the disk is full")

    with served(Callbacks(accept_message=fail)) as url:
        with pytest.raises(PeerFault) as failed:
            call(url, TEXT)
        with pytest.raises(PeerFault) as absent:
            call(url, notification("GB", "GB1", 2))
    assert [fault.value.kind.rpartition(":")[2] for fault in (failed, absent)] == ["Server", "Client"]
