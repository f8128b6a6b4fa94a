"""Acts on contracts as their impact knows them: what was asked, and what they will lock."""

from dataclasses import asdict
from datetime import datetime

from applications.actions.changes import Change
from applications.models import Amendment, AmendmentRole, Contract
from iam_portal.decision import rfc3339
from tenants.impact import Act
from tenants.models import Tenant


def stopping(
    name: str,
    *,
    tenant: Tenant,
    contract: Contract,
    at: datetime,
    when: datetime | None = None,
    until: datetime | None = None,
) -> Act:
    """``pause`` or ``end``, now or planned."""
    return Act(
        name=name,
        tenant=tenant,
        subject=contract,
        at=at,
        when=when,
        asked={"until": rfc3339(until)},
    )


def amending(*, tenant: Tenant, contract: Contract, change: Change, at: datetime) -> Act:
    """An amendment as it is asked for: what narrows takes at once, a proposal takes nothing."""
    return Act(
        name="narrow",
        tenant=tenant,
        subject=contract,
        at=at,
        when=change.when,
        asked=asdict(change),
        also=frozenset(application_id for application_id, _ in change.add),
    )


def accepting(*, tenant: Tenant, contract: Contract, amendment: Amendment, at: datetime) -> Act:
    """The yes to an amendment: also what gives can take a role away."""
    added = amendment.roles.filter(verb=AmendmentRole.Verb.ADD)
    return Act(
        name="narrow",
        tenant=tenant,
        subject=contract,
        at=at,
        when=amendment.takes_effect_at,
        asked={"amendment": str(amendment.id), "revision": amendment.revision},
        also=frozenset(added.values_list("role__application_id", flat=True)),
    )


def shortens(change: Change, contract: Contract) -> bool:
    """Whether the change alone brings an earlier end: that cannot be taken back by who did it."""
    if change.add or not change.moves_end or change.ends_at is None:
        return False
    return contract.ends_at is None or change.ends_at < contract.ends_at
