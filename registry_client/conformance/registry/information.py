"""116: what a registry asks the log before it gives up."""

from __future__ import annotations

from itl.codes import UnitType
from registry_client.conformance.registry.tester import RegistryTester
from registry_client.conformance.suite import Failed, Group, Skipped

GROUP: Group[RegistryTester] = Group("Information retrieval")


@GROUP.case("116", "A registry that hears nothing of its transaction asks where it stands, and goes on", "R-INFO-1")
def the_silent_log_is_asked(t: RegistryTester) -> None:
    after = t.profile.enquiry
    if after is None:
        raise Skipped("say after how many seconds of silence the registry asks: --enquiry, or `enquiry` in the profile")
    proposal = t.issuance(UnitType.CER if t.profile.is_cdm else UnitType.AAU)
    identifier = proposal.transaction_identifier
    if not t.log.wait_for(
        ("getTransactionStatus",),
        after + t.log.patience,
        lambda message: message.transaction_identifier == identifier,
    ):
        raise Failed(f"nothing was said of {identifier} for {after:g} s, and the registry did not ask for its status")
    t.completes(proposal)
