"""Stage 7, expiry date change: tCER and lCER get the date that a notice sets, as the proposal shows it."""

from __future__ import annotations

from itl.checks.blocks import units_of
from itl.checks.engine import WHOLE, Failures, check
from itl.checks.notices import is_of_project
from itl.checks.proposal import Log, Proposal
from itl.codes import EXPIRING_UNITS, NoticeType
from itl.reference import Notice


@check(5351)
def no_expiry_date(proposal: Proposal, log: Log) -> Failures:
    """Units that do not expire."""
    return (units_of(block) for block in proposal.blocks if block.unit_type not in EXPIRING_UNITS)


@check(5352)
def notice_missing(proposal: Proposal, log: Log) -> Failures:
    """No notice of type 9; or units of another project, or of another type than it names."""
    notice = _notice(log)
    if notice is None:
        yield WHOLE
        return
    for block in proposal.blocks:
        if not is_of_project(notice, block) or notice.unit_type not in (None, block.unit_type):
            yield units_of(block)


@check(5353, applies=lambda proposal, log: _notice(log) is not None)
def not_the_date_of_the_notice(proposal: Proposal, log: Log) -> Failures:
    """Judged against the notice of type 9, if there is one (5352)."""
    notice = _notice(log)
    due = notice.target_date if notice else None
    return (units_of(block) for block in proposal.blocks if block.expiry_date != due)


@check(5354)
def several_projects(proposal: Proposal, log: Log) -> Failures:
    """More than one project."""
    if len({(block.originating_registry_code, block.project_identifier) for block in proposal.blocks}) > 1:
        yield WHOLE


def _notice(log: Log) -> Notice | None:
    notice = log.notice
    return notice if notice and notice.notice_type == NoticeType.EXPIRY_DATE_CHANGE else None
