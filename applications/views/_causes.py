"""The words of a contract's confirmations: the question, and what follows from a yes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import npgettext

from applications.models import Contract, ContractType
from applications.views._contract import applications_of
from tenants.views import impacts
from tenants.views.console import ConsolePage


def causes(
    act: str, contract: Contract, *, title: str, impact: Mapping[str, Any] | None, page: ConsolePage
) -> dict[str, Any]:
    """``title`` of the confirmation, and ``counts`` with ``names``, or ``nothing``.

    ``impact`` is what the act takes away; None for an act that takes nothing.
    """
    asked = {"title": _question(act) % {"title": title}}
    if impact is not None:
        nothing = _("No application becomes unavailable by this.")
        return {**asked, **impacts.shown(impact, page, nothing=nothing, apart_from=contract.id)}
    if act in ("accept", "propose"):
        return {**asked, **_shared(act, contract, page.at)}
    names = {"provider": contract.provider.name, "consumer": contract.consumer.name}
    return {**asked, "nothing": _consequence(act) % names}


def _question(act: str) -> str:
    return {
        "propose": _("Propose “%(title)s”?"),
        "accept": _("Accept “%(title)s”?"),
        "decline": _("Decline “%(title)s”?"),
        "withdraw": _("Withdraw “%(title)s”?"),
        "pause": _("Pause “%(title)s”?"),
        "resume": _("Resume “%(title)s”?"),
        "end": _("End “%(title)s”?"),
    }[act]


def _consequence(act: str) -> str:
    return {
        "decline": _("Nothing becomes available. %(provider)s sees that you declined, and can propose anew."),
        "withdraw": _("%(consumer)s can no longer accept it. A withdrawn contract stays in the list."),
        "resume": _("%(consumer)s holds the roles of this contract again."),
        "pause": _("The pause cannot be set like this; see below."),
        "end": _("The end cannot be set like this; see below."),
    }[act]


def _shared(act: str, contract: Contract, at: datetime) -> dict[str, Any]:
    """What an agreement would bring: applications and roles by name."""
    applications = applications_of(contract)
    roles = [term.role for term in contract.terms.all()]
    names = []
    for application_id, name in applications.items():
        own = sorted(role.name for role in roles if role.application_id == application_id)
        names.append({"text": f"{name}: {', '.join(own)}"})
    later = contract.starts_at is not None and contract.starts_at > at
    if act == "propose":
        label = _("%(consumer)s is offered") % {"consumer": contract.consumer.name}
    elif contract.type == ContractType.PROVISION:
        label = _("Becomes available in your organization")
    else:
        label = _("Your organization may work on the data of %(provider)s with") % {
            "provider": contract.provider.name
        }
    shown: dict[str, Any] = {
        "counts": [
            {
                "label": npgettext("counted", "Application", "Applications", len(applications)),
                "value": len(applications),
            },
            {"label": npgettext("counted", "Role", "Roles", len(roles)), "value": len(roles)},
        ],
        "names": [{"label": label, "items": names}],
    }
    if act == "accept" and later:
        shown["at"] = contract.starts_at
    return shown
