"""A proposal as its receiver reads it: what accepting would bring, role by role, and what comes along."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from applications.models import Contract, ContractType, RolePermission
from applications.policies import agreed_at
from applications.signals import acceptance_shown
from applications.views._standing import is_provider, standing
from tenants.views.console import ConsolePage


def offer(page: ConsolePage, contract: Contract) -> dict[str, Any] | None:
    """For the side that has to answer; None for everybody else."""
    if standing(contract, page.at) != "proposed" or is_provider(contract, page.tenant):
        return None
    names = {"provider": contract.provider.name, "consumer": contract.consumer.name}
    if contract.type == ContractType.PROVISION:
        said = _("%(consumer)s runs these applications for itself. What it keeps in them stays its own.")
        further = _("It may open them to others.") if contract.onward_access else ""
    else:
        said = _("%(consumer)s works on the data of %(provider)s, with these roles and no others.")
        further = ""
    asked: dict[str, Any] = {"contract": contract, "ticked": ()}
    return {
        "text": " ".join(filter(None, (said % names, further))),
        "starts_at": contract.starts_at if contract.starts_at and contract.starts_at > page.at else None,
        "ends_at": contract.ends_at,
        "applications": _applications(contract, page.at),
        "required": [
            {"name": group["name"], "roles": [_required(row) for row in group["rows"]]}
            for panel in page.panels(acceptance_shown, **asked)
            for group in panel.get("groups", ())
        ],
    }


def _applications(contract: Contract, at: datetime) -> list[dict[str, Any]]:
    """Each role with what it opens, as it is now. One query."""
    terms = agreed_at(contract.terms.all(), at)
    living = RolePermission.objects.at(at).filter(role__in=[term.role_id for term in terms])
    held: dict[Any, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in living.select_related("resource"):
        held[row.role_id][row.resource.name].append(row.privilege)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for term in sorted(terms, key=lambda term: (str(term.role.application).lower(), term.role.name)):
        found[str(term.role.application)].append(
            {
                "name": term.role.name,
                "description": term.role.description,
                "opens": [
                    f"{name}: {', '.join(sorted(opened))}"
                    for name, opened in sorted(held[term.role_id].items())
                ],
            }
        )
    return [{"name": name, "roles": roles} for name, roles in found.items()]


def _required(row: Mapping[str, Any]) -> str:
    return _("%(role)s of %(application)s") % {"role": row["name"], "application": row["application"]}
