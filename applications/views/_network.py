"""Who shares what with whom at any moment: the partners of a tenant, and what lies between it and one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast

from applications import policies
from applications.models import Contract, ContractTerm
from applications.views._contract import matching
from applications.views._standing import STANDINGS, standing_then
from tenants.actions import partnerships
from tenants.models import Partnership, Tenant

# What counts as something between two; the others are seen by who asks for their state.
LIVING = ("in_force", "paused", "scheduled", "proposed", "draft")
# By what a line shows that stands for several contracts: what counts now before what does not yet or no more.
ORDER = {state: place for place, state in enumerate(dict.fromkeys([*LIVING, *(key for key, _ in STANDINGS)]))}


class Edge(NamedTuple):
    """Contracts of one direction and type between two; ``contract_id`` names the only one."""

    provided: bool
    type: str
    states: tuple[tuple[str, int], ...]
    contract_id: str | None

    @property
    def total(self) -> int:
        """How many contracts."""
        return sum(count for _, count in self.states)


@dataclass(frozen=True, slots=True)
class Node:
    """A partner, or an application between the tenant and one partner."""

    key: str
    name: str
    edges: tuple[Edge, ...] = ()
    partnership_id: UUID | None = None

    @property
    def total(self) -> int:
        """How many contracts."""
        return sum(edge.total for edge in self.edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for. ``types`` may be read and are wanted; empty strings ask for anything."""

    tenant: Tenant
    at: datetime
    types: Sequence[str]
    state: str = ""
    application_id: str = ""
    partner_id: UUID | None = None
    q: str = ""


def contracts(asked: Question) -> QuerySet[Contract]:
    """What was there at the moment, with ``there``: how it stood."""
    return known(asked).annotate(there=standing_then(asked.at)).filter(there__in=wanted(asked))


def wanted(asked: Question) -> Sequence[str]:
    """The states that count."""
    return [asked.state] if asked.state else LIVING


def known(asked: Question) -> QuerySet[Contract]:
    """However it stood. A draft of a partner is not known yet."""
    ours, theirs = Q(provider=asked.tenant), Q(consumer=asked.tenant)
    known = Q(ours, created_at__lte=asked.at) | Q(theirs, proposed_at__lte=asked.at)
    rows = policies.contracts_of(asked.tenant).filter(known, type__in=asked.types)
    if asked.application_id:
        rows = rows.filter(Exists(_terms(asked.at).filter(role__application=asked.application_id)))
    if asked.partner_id:
        rows = rows.filter(Q(provider=asked.partner_id) | Q(consumer=asked.partner_id))
    if asked.q and asked.partner_id:
        rows = rows.filter(matching(asked.q, asked.tenant.id))
    elif asked.q:
        named = Q(ours, consumer__name__icontains=asked.q) | Q(theirs, provider__name__icontains=asked.q)
        rows = rows.filter(named)
    return rows


def between(asked: Question) -> list[Node]:
    """What lies between the tenant and one partner, by application. One query.

    A role that an amendment brings later is not there yet, though the contract is in force.
    """
    name = "terms__role__application__display_name"
    left = Q(terms__removed_at__isnull=True) | Q(terms__removed_at__gt=asked.at)
    begun = ~Q(there__in=("in_force", "paused")) | Q(terms__during__startswith__lte=asked.at)
    # In one filter: of two, each would speak of a term of its own.
    carried = Q(terms__isnull=False) & left & begun
    if asked.application_id:
        carried &= Q(terms__role__application=asked.application_id)
    rows = contracts(asked).filter(carried).annotate(provided=is_provided(asked.tenant))
    found = nodes(_counted(rows, "terms__role__application_id", name), {})
    return sorted(found, key=lambda node: (node.name.lower(), node.key))


def partner_named(asked: Question, *, types: Sequence[str], linked: bool) -> str | None:
    """The name of the one partner, with whom there is or was something; of anybody else nothing is said."""
    rows = policies.contracts_of(asked.tenant).filter(type__in=types)
    row = rows.filter(Q(provider=asked.partner_id) | Q(consumer=asked.partner_id)).first()
    if row is not None and asked.partner_id != asked.tenant.id:
        return str(row.consumer.name if row.provider_id == asked.tenant.id else row.provider.name)
    known = (
        partnerships.of(asked.tenant).filter(confirmed_at__isnull=False)
        if linked
        else Partnership.objects.none()
    )
    pair = known.filter(Q(inviter=asked.partner_id) | Q(invitee=asked.partner_id)).first()
    if pair is None or pair.invitee is None or asked.partner_id == asked.tenant.id:
        return None
    return str(pair.invitee.name if pair.inviter_id == asked.tenant.id else pair.inviter.name)


def busiest(nodes: Sequence[Node], *, nodes_at_most: int, edges_at_most: int) -> list[Node]:
    """Those with the most contracts, as many as can be drawn, in the order in which they came."""
    ordered = sorted(nodes, key=lambda node: -node.total)[:nodes_at_most]
    reached = accumulate(len(node.edges) for node in ordered)
    keys = {node.key for node, edges in zip(ordered, reached, strict=True) if edges <= edges_at_most}
    return [node for node in nodes if node.key in keys]


def _terms(at: datetime) -> QuerySet[ContractTerm]:
    left = Q(removed_at__isnull=True) | Q(removed_at__gt=at)
    return ContractTerm.objects.filter(left, contract=OuterRef("pk"))


def is_provided(tenant: Tenant) -> Case:
    """Whether the tenant is the side that shares."""
    return Case(When(provider=tenant, then=Value(True)), default=Value(False))


def _counted(rows: QuerySet[Contract], key: str, name: str) -> Iterable[tuple[Any, ...]]:
    groups = rows.order_by().values_list(key, name, "provided", "type", "there")
    # As text: before its version 18 the database knows no least uuid.
    least = Min(Cast("id", CharField()))
    return groups.annotate(count=Count("id", distinct=True), one=least)


def nodes(rows: Iterable[tuple[Any, ...]], partnerships_of: Mapping[str, UUID]) -> list[Node]:
    """One node for each key, one edge for each direction and type, its states in their order.

    A row without a type is a partner with whom there is no contract.
    """
    names: dict[str, str] = {}
    edges: dict[str, dict[tuple[bool, str], list[tuple[str, int, str]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for key, name, provided, kind, state, count, contract_id in rows:
        names[str(key)] = name
        if kind is not None:
            edges[str(key)][provided, kind].append((state, count, contract_id))
    return [
        Node(key, name, tuple(_edge(*pair) for pair in _in_order(edges[key])), partnerships_of.get(key))
        for key, name in names.items()
    ]


def _in_order(
    edges: Mapping[tuple[bool, str], list[tuple[str, int, str]]],
) -> list[tuple[tuple[bool, str], list[tuple[str, int, str]]]]:
    """What is provided first, provision before access."""
    return sorted(edges.items(), key=lambda item: (not item[0][0], item[0][1] != "provision"))


def _edge(which: tuple[bool, str], parts: list[tuple[str, int, str]]) -> Edge:
    parts = sorted(parts, key=lambda part: ORDER[part[0]])
    only = parts[0][2] if len(parts) == 1 and parts[0][1] == 1 else None
    return Edge(*which, tuple((state, count) for state, count, _ in parts), only)
