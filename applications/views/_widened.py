"""Roles of an access contract that hold more than was confirmed: how the pages say it."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext

from applications.http import address
from applications.models import Contract, ContractType
from applications.rolechanges import Gain, by_role, gained
from applications.views._standing import is_provider, standing
from tenants.views.console import ConsolePage

LIVING = ("scheduled", "in_force", "paused")


def waits_for(page: ConsolePage, contract: Contract) -> bool:
    """Whether the tenant is the one whose word counts in this contract."""
    mine = is_provider(contract, page.tenant) and contract.type == ContractType.ACCESS
    return mine and standing(contract, page.at) in LIVING


def notice(page: ConsolePage, contract: Contract) -> dict[str, Any] | None:
    """For the contract's page: that something waits for the provider's word, and the way there."""
    if not waits_for(page, contract):
        return None
    count = len(by_role(gained([contract.id], at=page.at)))
    if not count:
        return None
    text = ngettext(
        "%(count)d role holds more than you confirmed. For %(name)s this counts once you confirm it.",
        "%(count)d roles hold more than you confirmed. For %(name)s this counts once you confirm it.",
        count,
    )
    label, url = _("Look at role changes"), address("contract-confirm", page.slug, contract_id=contract.id)
    link = page.link(label, "AccessContracts:execute", url, dialog=True)
    return {"text": text % {"count": count, "name": contract.consumer.name}, "link": link}


def listed(gains: Sequence[Gain]) -> dict[str, Any]:
    """``counts`` and ``names`` of ``_confirm.html``: a heading for each role."""
    roles = by_role(gains)
    return {
        "counts": [
            {"label": npgettext("counted", "Role", "Roles", len(roles)), "value": len(roles)},
            {"label": ngettext("Permission gained", "Permissions gained", len(gains)), "value": len(gains)},
        ],
        "names": [
            {
                "label": _("%(role)s of %(application)s gained")
                % {"role": found[0].role_name, "application": found[0].application},
                "items": [{"text": f"{gain.resource}: {gain.privilege}"} for gain in found],
            }
            for found in roles.values()
        ],
    }
