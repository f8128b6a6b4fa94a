"""The sentences of availability: one function per reason code of the agreement (docs: reason codes)."""

from datetime import datetime

from iam_portal.decision import Reason
from iam_portal.sentences import said


def _day(moment: datetime | None) -> str:
    if moment is None:
        return said("the beginning")
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def builtin(name: str, application_id: str) -> Reason:
    """The portal itself."""
    return Reason(
        "builtin",
        said("%(name)s is part of the portal: available everywhere.", {"name": name}),
        application_id=application_id,
    )


def owned(name: str, application_id: str, tenant: str, tenant_id: str) -> Reason:
    """The tenant owns the application."""
    return Reason(
        "owned",
        said("%(tenant)s owns %(name)s.", {"tenant": tenant, "name": name}),
        tenant_id=tenant_id,
        application_id=application_id,
    )


def provision_granted(
    contract_id: str, partner: str, partner_id: str, start: datetime | None, end: datetime | None
) -> Reason:
    """A provision contract is in force."""
    until = said(" until %(end)s", {"end": _day(end)}) if end else ""
    text = said(
        "The provision contract with %(partner)s is in force since %(start)s%(until)s.",
        {"partner": partner, "start": _day(start), "until": until},
    )
    return Reason("provision_granted", text, contract_id=contract_id, tenant_id=partner_id, at=start)


def access_granted(
    contract_id: str, partner: str, partner_id: str, start: datetime | None, end: datetime | None
) -> Reason:
    """An access contract is in force."""
    until = said(" until %(end)s", {"end": _day(end)}) if end else ""
    text = said(
        "The access contract with %(partner)s is in force since %(start)s%(until)s.",
        {"partner": partner, "start": _day(start), "until": until},
    )
    return Reason("access_granted", text, contract_id=contract_id, tenant_id=partner_id, at=start)


def no_contract(name: str, application_id: str, tenant: str, tenant_id: str) -> Reason:
    """Nothing shares the application with the tenant."""
    text = said("No contract shares %(name)s with %(tenant)s.", {"name": name, "tenant": tenant})
    return Reason("no_contract", text, tenant_id=tenant_id, application_id=application_id)


def contract_not_started(contract_id: str, partner: str, start: datetime) -> Reason:
    """The agreed start lies ahead."""
    text = said(
        "The contract with %(partner)s starts on %(start)s.", {"partner": partner, "start": _day(start)}
    )
    return Reason("contract_not_started", text, contract_id=contract_id, at=start)


def contract_paused(
    contract_id: str, partner: str, by: str, since: datetime | None, until: datetime | None
) -> Reason:
    """A pause runs."""
    rest = said(", until %(until)s", {"until": _day(until)}) if until else ""
    text = said(
        "The contract with %(partner)s was paused by %(by)s on %(since)s%(rest)s.",
        {"partner": partner, "by": by, "since": _day(since), "rest": rest},
    )
    return Reason("contract_paused", text, contract_id=contract_id, at=since)


def contract_ended(contract_id: str, partner: str, end: datetime, by: str) -> Reason:
    """It is over, by an act or by plan."""
    how = said("was ended by %(by)s", {"by": by}) if by else said("ended")
    return Reason(
        "contract_ended",
        said(
            "The contract with %(partner)s %(how)s on %(end)s.",
            {"partner": partner, "how": how, "end": _day(end)},
        ),
        contract_id=contract_id,
        at=end,
    )


def role_not_granted(contract_id: str, partner: str, role: str | None, application_id: str) -> Reason:
    """The contract is in force, but not for this role."""
    what = said("the role %(role)s", {"role": role}) if role else said("any role")
    text = said(
        "The contract with %(partner)s does not cover %(what)s now.", {"partner": partner, "what": what}
    )
    return Reason("role_not_granted", text, contract_id=contract_id, application_id=application_id, role=role)


def role_unknown(name: str, application_id: str, role: str) -> Reason:
    """The application does not declare the role."""
    text = said("%(name)s has no role %(role)s.", {"name": name, "role": role})
    return Reason("role_not_granted", text, application_id=application_id, role=role)


def application_suspended(name: str, application_id: str, by: str, since: datetime | None) -> Reason:
    """Its owner suspended it."""
    text = said(
        "%(name)s was suspended by %(by)s on %(since)s.", {"name": name, "by": by, "since": _day(since)}
    )
    return Reason("application_suspended", text, application_id=application_id, at=since)


def application_retired(name: str, application_id: str, at: datetime | None) -> Reason:
    """It is not registered at the moment asked for."""
    text = said("%(name)s is not in operation.", {"name": name})
    return Reason("application_retired", text, application_id=application_id, at=at)


def owner_suspended(
    name: str, application_id: str, owner: str, owner_id: str, since: datetime | None
) -> Reason:
    """The tenant that owns the application is suspended."""
    text = said(
        "%(owner)s, which owns %(name)s, is suspended since %(since)s.",
        {"owner": owner, "name": name, "since": _day(since)},
    )
    return Reason("owner_suspended", text, tenant_id=owner_id, application_id=application_id, at=since)


def tenant_suspended(name: str, tenant_id: str, since: datetime | None) -> Reason:
    """The tenant asked about is suspended."""
    return Reason(
        "tenant_suspended",
        said("%(name)s is suspended since %(since)s.", {"name": name, "since": _day(since)}),
        tenant_id=tenant_id,
        at=since,
    )


def provider_lost_role(contract_id: str, provider: str, provider_id: str, application_id: str) -> Reason:
    """The provider of an access contract no longer holds the role itself."""
    text = said("%(provider)s does not hold the role itself any more.", {"provider": provider})
    return Reason(
        "provider_lost_role",
        text,
        contract_id=contract_id,
        tenant_id=provider_id,
        application_id=application_id,
    )


_OUTSIDE = {
    "provision_granted": said("The provider itself has the application by a contract in force."),
    "contract_paused": said("The provider's own contract for it is paused."),
    "contract_not_started": said("The provider's own contract for it has not started."),
    "contract_ended": said("The provider's own contract for it has ended."),
    "role_not_granted": said("The provider's own contract does not cover the role now."),
    "no_contract": said("The provider has no contract of its own that allows this."),
}


def seen_from_outside(reason: Reason) -> Reason:
    """A link of a contract to which the asking tenant is no party: no id, no person, no third name."""
    if reason.code not in _OUTSIDE:
        return reason
    return Reason(
        reason.code,
        _OUTSIDE[reason.code],
        application_id=reason.application_id,
        role=reason.role,
        at=reason.at,
    )
