"""How a candidate registry is tested: where it is, who it is, and how its people are asked to begin something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from itl.codes import CDM, SHARE_OF_PROCEEDS_ACCOUNT
from registry_client.conformance.playing import Access
from registry_client.conformance.profile import Periods, Project
from registry_client.identifiers import AccountNumber
from registry_client.units import Account


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts of the candidate, as they are printed: `GB-100-1001`."""

    receiving: str | None = None
    """Open, for transfers to it (default: 100-1001; of the CDM registry 100-1100, the share of proceeds)."""
    second: str | None = None
    """Another holding account, for transfers inside the registry; None: there are none."""
    unknown: int = 998_877
    """The identifier of no account."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A registry under test, and the log that is played towards it."""

    code: str = "GB"
    url: str = "http://127.0.0.1:8090"
    log: str = "ITL"
    version: tuple[int, int] = (1, 1)
    patience: float = 15.0
    """How long a call of the registry is waited for, in seconds."""
    silence: float = 1.0
    """How long nothing must come, where nothing may."""
    lead: float = 2.0
    """How far ahead the snapshot of a reconciliation is set, in seconds."""
    clock_tolerance: float = 60.0
    """How far the registry's clock may be off, in seconds."""
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    """Where the registry calls the played log."""
    access: Access = field(default_factory=Access)
    """How the log calls the registry; `called_by` is user and password that the registry must show (default: any)."""
    partner: str | None = None
    """The registry whose transfers the played log relays, and that takes the candidate's (default: FR, or GB)."""
    enquiry: float | None = None
    """After how many seconds without news the registry asks where its transaction stands; None: it is not tested."""
    scheme: bool = False
    """Whether it is a member of a regional scheme, whose log judges its transactions as well."""
    accounts: Accounts = Accounts()
    periods: Periods = field(default_factory=Periods)
    project: Project = field(default_factory=Project)
    operator: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_cdm(self) -> bool:
        return self.code == CDM

    @property
    def other(self) -> str:
        """The other registry of a transfer."""
        return self.partner or ("GB" if self.code == "FR" else "FR")

    @property
    def receiving(self) -> Account:
        if self.accounts.receiving is None:
            return Account(*SHARE_OF_PROCEEDS_ACCOUNT) if self.is_cdm else Account(100, 1001)
        return account(self.accounts.receiving)


def account(printed: str) -> Account:
    """An account as messages name it; IdentifierError if `printed` is none."""
    number = AccountNumber.parse(printed)
    return Account(number.account_type, number.identifier)
