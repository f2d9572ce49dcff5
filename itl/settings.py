"""How one log is run: defaults of the standard's practice, overridden by a TOML file and by `ITL_...` variables.

Every value that the sources mark as doubtful (time-outs, tolerances, addresses) is here or in the reference data, so
that it is corrected without touching code.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from itl.errors import UsageError
from itl.reference import Environment

DEFAULT_DATABASE = "sqlite:///itl.db"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one log. Durations are in seconds, sizes in bytes."""

    database: str = DEFAULT_DATABASE
    role: str = "itl"
    """What this hub is: the transaction log itself, or what a role of another name makes of it (`itl.roles`)."""
    environment: Environment | None = None
    """What the database must be; None: what it is. A new database becomes this, else one of production."""
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    """The address that the published WSDL names; None: the address that the request came to."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses whose client certificate header is believed: the TLS proxies in front."""
    threads: int = 8
    """Calls that one process answers at one time."""
    processes: int = 1
    """Processes that answer calls; SQLite wants one."""
    cleanup_after: float = 24 * 3600.0
    """An open transaction older than this is cancelled (status 7); 24 h is the log's practice."""
    flag_accepted_after: float = 48 * 3600.0
    """An accepted external transfer older than this is flagged for the operator, never cancelled."""
    tell_acquirer_of_termination: bool = True
    """The initiator ends a relayed transfer before the acquirer's answer: tell the acquirer 7."""
    clock_tolerance: float = 60.0
    """How far the clock of a peer may run ahead (check 1106)."""
    time_every: float = 3600.0
    """How often each registry is asked for its time."""
    time_warning: float = 10.0
    time_alarm: float = 60.0
    """How far a registry's clock may be off before that is a warning, and an alarm."""
    suspend_unreachable_after: float = 24 * 3600.0
    """A registry that was not reached for so long is proposed to the operator for suspension."""
    suspend_inconsistent_after: float = 7 * 24 * 3600.0
    """One with an inconsistency that is open for so long, likewise."""
    suspend_unreconciled_after: float = 3 * 24 * 3600.0
    """One that owes the result of a reconciliation for so long, likewise."""
    notices_every: float = 3600.0
    """How often each rule looks whether there is a notice to raise."""
    notice_due_days: int = 30
    """How many days a registry has to do what a notice asks for."""
    expiry_notice_days: int = 90
    """How many days before units expire their notice is raised."""
    certificate_warning_days: int = 30
    """How many days before a registry's certificate ends the log's commands warn of it."""
    enrolment_report_days: int = 90
    """How old a report of the conformance suite may be that an enrolment rests on."""
    validate_by_schema: bool = False
    """Also validate every message by lxml's XSD validator: a half dearer, and finds nothing that the plans let by."""
    overrides: str | None = None
    """A file that renumbers or switches off codes that this project assigned (`checks.override`)."""
    batch: int = 100
    """Most messages that a worker judges and records in one commit."""
    poll: float = 1.0
    """How long an idle worker waits at most before it looks again (less after traffic); in one process it is woken."""
    delivery_timeout: float = 60.0
    """The whole of one delivery: connecting, sending, and reading the answer."""
    retry_first: float = 2.0
    retry_most: float = 900.0
    """Back-off between delivery attempts doubles from `retry_first` to `retry_most`, with jitter of a half."""
    lanes: int = 32
    """Most registries that are being delivered to at one time."""
    call_certificate: str | None = None
    """PEM file with the client certificate that the log shows to registries; `call_key` where its key is elsewhere."""
    call_key: str | None = None
    call_authority: str | None = None
    """PEM file with the authorities whose certificates registries may have; None: those that the system trusts."""

    reconciliation_lead: float = 900.0
    """From the start of a reconciliation to the instant of its snapshot."""
    reconciliation_grace: float = 60.0
    """From that instant until the registry is asked for anything: its clock may be behind."""
    reconciliation_confirmation: float = 600.0
    """How long the start is worth delivering to a registry that is not reached."""
    reconciliation_totals_timeout: float = 2 * 3600.0
    reconciliation_blocks_timeout: float = 4 * 3600.0
    reconciliation_trail_timeout: float = 4 * 3600.0
    """How long an answer of each phase is waited for; of one that comes in parts, since the last of them."""
    reconciliation_parts_wait: float = 60.0
    """How long more is waited for, where nothing says whether an answer is whole."""
    reconciliation_attempts: int = 3
    """How often a reconciliation that the registry does not answer is begun, the first time included."""
    reconciliation_tolerance: float = 600.0
    """How long before the instant of the snapshot a transaction may have ended and still explain a difference."""
    reconciliation_equal_status: int = 5
    """What a registry is told that agrees with the log: 5 completed, or 2 validated."""

    @property
    def cleanup(self) -> timedelta:
        return timedelta(seconds=self.cleanup_after)

    @property
    def flag_accepted(self) -> timedelta:
        return timedelta(seconds=self.flag_accepted_after)


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] = os.environ, given: Mapping[str, Any] | None = None
) -> Settings:
    """Settings from the file at `path` (or `ITL_SETTINGS`), then the environment, then what is `given` and not None.

    Raises UsageError for a name that is no setting and a value that is not of its type.
    """
    names = {field.name: type(field.default) for field in fields(Settings)}
    names |= dict.fromkeys(("public_url", "overrides", "call_certificate", "call_key", "call_authority"), str)
    names["environment"] = Environment
    file = path or (Path(environment["ITL_SETTINGS"]) if "ITL_SETTINGS" in environment else None)
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values.update(tomllib.loads(file.read_text("utf-8")))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"settings file {file}: {error}; give a readable TOML file") from error
    for name in names:
        if (text := environment.get(f"ITL_{name.upper()}")) is not None:
            values[name] = text
    values.update({name: value for name, value in (given or {}).items() if value is not None})
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise UsageError(f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(names))}")
    return replace(Settings(), **{name: _typed(name, names[name], value) for name, value in values.items()})


def _typed(name: str, kind: type, value: Any) -> Any:
    try:
        if kind is tuple:
            return tuple(value.split(",")) if isinstance(value, str) else tuple(value)
        if kind is bool and isinstance(value, str):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[value.lower()]
        return kind(value)
    except (KeyError, TypeError, ValueError) as error:
        if issubclass(kind, Enum):
            raise UsageError(f"setting {name}: {value!r} is none of {', '.join(map(str, kind))}") from error
        raise UsageError(f"setting {name}: {value!r} is not of type {kind.__name__}") from error
