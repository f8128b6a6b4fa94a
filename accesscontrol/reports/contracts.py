"""Contracts: which were in force on a day, and which nobody uses."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accesscontrol.reports.shapes import Given, Report, Row, in_batches, sizes
from applications.models import Contract, ContractState, ContractTerm
from applications.usage.reading import unused
from iam_portal.walls import tenant_scope

EITHER = "ProvisionContracts:read|AccessContracts:read"


def _of(given: Given) -> QuerySet[Contract]:
    """On either side, of the types that one may see."""
    own = Q(provider=given.tenant) | Q(consumer=given.tenant)
    rows = Contract.objects.filter(own, type__in=given.types, state=ContractState.ACCEPTED)
    return rows.select_related("provider", "consumer")


# Each side from the index that holds what is asked, in order; then one after the other is asked for pauses,
# until there are enough: IS TRUE keeps the planner from asking all of them first.
_BEGUN = """
SELECT id FROM (
    SELECT id, starts_at FROM (
        SELECT id, starts_at, ends_at FROM applications_contract
        WHERE provider_id = %(tenant)s AND state = 'accepted' AND type = ANY(%(types)s)
        UNION ALL
        SELECT id, starts_at, ends_at FROM applications_contract
        WHERE consumer_id = %(tenant)s AND state = 'accepted' AND type = ANY(%(types)s)
    ) AS agreed
    WHERE starts_at <= %(at)s AND (ends_at IS NULL OR ends_at > %(at)s)
        AND (%(start)s::timestamptz IS NULL OR (starts_at, id) > (%(start)s::timestamptz, %(last)s::uuid))
    ORDER BY starts_at, id OFFSET 0
) AS begun
WHERE (NOT EXISTS (
    SELECT FROM applications_contractpause
    WHERE contract_id = ANY(ARRAY[begun.id]) AND during @> %(at)s::timestamptz
)) IS TRUE
ORDER BY starts_at, id LIMIT %(size)s
"""


def _in_force(given: Given) -> Iterator[list[Row]]:
    start = last = None
    for size in sizes():
        values: dict[str, Any] = {"tenant": given.tenant.id, "types": list(given.types), "at": given.at}
        with tenant_scope(given.tenant.id), connection.cursor() as cursor:
            cursor.execute(_BEGUN, {**values, "start": start, "last": last, "size": size})
            rows = Contract.objects.filter(pk__in=[row[0] for row in cursor.fetchall()])
            rows = rows.select_related("provider", "consumer")
            found = sorted(rows, key=lambda row: (row.starts_at, row.pk))
            shaped = _shape(found, given)
        yield shaped
        if len(found) < size:
            return
        start, last = found[-1].starts_at, found[-1].pk


def _unused(given: Given) -> Iterator[list[Row]]:
    with tenant_scope(given.tenant.id):
        rows = unused(_of(given), days=given.days, at=given.at)
    return in_batches(rows, given=given, key="starts_at", shape=lambda found: _shape(found, given))


def _shape(found: list[Contract], given: Given) -> list[Row]:
    roles = _roles(found, given.at)
    return [_row(each, given, roles[each.pk]) for each in found]


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
