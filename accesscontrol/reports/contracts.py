"""Contracts: which were in force on a day, and which nobody uses."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accesscontrol.reports.shapes import Given, Report, Row, in_batches
from applications.models import Contract, ContractPause, ContractState, ContractTerm
from applications.usage.reading import unused
from iam_portal.walls import tenant_scope

EITHER = "ProvisionContracts:read|AccessContracts:read"


def _of(given: Given) -> QuerySet[Contract]:
    """On either side, of the types that one may see."""
    own = Q(provider=given.tenant) | Q(consumer=given.tenant)
    rows = Contract.objects.filter(own, type__in=given.types, state=ContractState.ACCEPTED)
    return rows.select_related("provider", "consumer")


def _in_force(given: Given) -> Iterator[list[Row]]:
    living = Q(ends_at=None) | Q(ends_at__gt=given.at)
    paused = ContractPause.objects.at(given.at).filter(contract=OuterRef("pk"))
    rows = _of(given).filter(living, ~Exists(paused), starts_at__lte=given.at)
    return _shaped(rows, given)


def _unused(given: Given) -> Iterator[list[Row]]:
    with tenant_scope(given.tenant.id):
        rows = unused(_of(given), days=given.days, at=given.at)
    return _shaped(rows, given)


def _shaped(rows: QuerySet[Contract], given: Given) -> Iterator[list[Row]]:
    def shape(found: list[Any]) -> list[Row]:
        roles = _roles(found, given.at)
        return [_row(each, given, roles[each.pk]) for each in found]

    return in_batches(rows, given=given, key="starts_at", shape=shape)


def _roles(found: list[Contract], at: datetime) -> dict[Any, list[str]]:
    terms = ContractTerm.objects.at(at).filter(contract__in=found)
    roles: dict[Any, list[str]] = defaultdict(list)
    for contract_id, application_id, key in terms.values_list(
        "contract_id", "role__application_id", "role__key"
    ).order_by("role__application_id", "role__key"):
        roles[contract_id].append(f"{application_id}/{key}")
    return roles


def _row(contract: Contract, given: Given, roles: list[str]) -> Row:
    provides = contract.provider_id == given.tenant.id
    partner = contract.consumer if provides else contract.provider
    return (
        partner.name,
        "provided" if provides else "received",
        contract.type,
        "; ".join(roles),
        contract.starts_at,
        contract.ends_at,
        contract.onward_access,
        str(contract.id),
    )


def _contract(row: Row) -> tuple[str, str]:
    return "contract", str(row[-1])


_COLUMNS = (
    ("partner", _("Partner")),
    ("side", _("Side")),
    ("type", _("Type")),
    ("roles", _("Roles")),
    ("startsAt", _("Since")),
    ("endsAt", _("Until")),
    ("onwardAccess", _("Onward access")),
    ("contractId", _("Id")),
)
IN_FORCE = Report(
    key="contracts-in-force",
    title=_("Contracts in force"),
    lead=_("What was shared with whom at a moment: neither paused nor ended then."),
    icon="contract",
    columns=_COLUMNS,
    batches=_in_force,
    about=_contract,
    needs=EITHER,
    asks=("at",),
)
UNUSED = Report(
    key="unused-contracts",
    title=_("Contracts that nobody uses"),
    lead=_(
        "In force for so many days, and not one token was issued by them in that time. Shown only once tokens"
        " have been counted for as long."
    ),
    icon="clock",
    columns=_COLUMNS,
    batches=_unused,
    about=_contract,
    needs=EITHER,
    asks=("days",),
    days=90,
)
