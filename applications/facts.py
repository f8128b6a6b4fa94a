"""The only bridge from rows to the facts of a decision: a fixed number of queries.

Plain SQL, because this stands in the path of every token: three statements, and nothing is made of a row
but the fact that it is.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from applications.availability import ApplicationFact, ContractFact, SharingFacts, Stop, TenantFact, Term
from applications.models.applications import PORTAL_ID
from iam_portal.spans import RangeLike, Span

APPLICATIONS = """
SELECT a.id, a.display_name, a.owner_id, a.during,
    ARRAY(SELECT s.during FROM applications_applicationsuspension s
          WHERE s.application_id = a.id AND NOT isempty(s.during) ORDER BY s.during),
    ARRAY(SELECT s.by_name FROM applications_applicationsuspension s
          WHERE s.application_id = a.id AND NOT isempty(s.during) ORDER BY s.during),
    ARRAY(SELECT r.key FROM applications_applicationrole r
          WHERE r.application_id = a.id AND NOT isempty(r.during) ORDER BY r.id),
    ARRAY(SELECT r.during FROM applications_applicationrole r
          WHERE r.application_id = a.id AND NOT isempty(r.during) ORDER BY r.id)
FROM applications_application a WHERE a.id = ANY({applications}) ORDER BY a.id
"""

_NAMED = APPLICATIONS.format(applications="%(applications)s")

# The contracts of these tenants that name the applications, and those by which a provider of an access
# contract among them has the same.
_CONTRACTS = """
WITH roles AS MATERIALIZED (
    SELECT id, application_id, key FROM applications_applicationrole
    WHERE application_id = ANY(%(applications)s)
), {found}
SELECT r.application_id, r.key, t.during, t.confirmed_at,
    CASE WHEN c.type = 'access' THEN ARRAY(
        SELECT unnest(range_agg(p.during * t.during)) FROM applications_rolepermission p
        WHERE p.role_id = t.role_id AND p.during && t.during AND NOT p.held @> t.confirmed_at
    ) ELSE '{{}}' END,
    c.id, c.type, c.provider_id, c.consumer_id, c.onward_access,
    c.starts_at, c.ends_at, c.ended_by,
    ARRAY(SELECT p.during FROM applications_contractpause p
          WHERE p.contract_id = c.id AND NOT isempty(p.during) ORDER BY p.during),
    ARRAY(SELECT p.by_name FROM applications_contractpause p
          WHERE p.contract_id = c.id AND NOT isempty(p.during) ORDER BY p.during)
FROM (SELECT * FROM own UNION SELECT * FROM source) t
JOIN applications_contract c ON c.id = t.contract_id
JOIN roles r ON r.id = t.role_id
ORDER BY c.id, r.id, t.during
"""
# For few tenants terms are found by contract: roles are compared so that no index serves, for the planner
# would rather look through all terms of an application that thousands have. Only its owner shares one by
# provision, so of all that a large organization has received the terms of few contracts are read.
_BY_CONTRACT = _CONTRACTS.format(
    found="""own AS MATERIALIZED (
    SELECT contract_id, role_id, during, confirmed_at FROM applications_contractterm
    WHERE contract_id = ANY(ARRAY(
            SELECT id FROM applications_contract
            WHERE state = 'accepted' AND consumer_id = ANY(%(tenants)s::uuid[])
                AND (type = 'access' OR provider_id = ANY(%(owners)s::uuid[])) IS TRUE))
        AND (role_id = ANY(ARRAY(SELECT id FROM roles))) IS TRUE AND NOT isempty(during)
), source AS MATERIALIZED (
    SELECT contract_id, role_id, during, confirmed_at FROM applications_contractterm
    WHERE contract_id = ANY(ARRAY(
            SELECT id FROM applications_contract
            WHERE state = 'accepted' AND type = 'provision' AND consumer_id = ANY(ARRAY(
                SELECT provider_id FROM applications_contract
                WHERE type = 'access' AND id = ANY(ARRAY(SELECT contract_id FROM own))))
                AND (provider_id = ANY(%(owners)s::uuid[])) IS TRUE))
        AND (role_id = ANY(ARRAY(SELECT id FROM roles))) IS TRUE AND NOT isempty(during)
)"""
)
# For many, of few applications, by role: all contracts of a thousand tenants are a hundred times as many.
_BY_ROLE = _CONTRACTS.format(
    found="""agreed AS MATERIALIZED (
    SELECT t.contract_id, t.role_id, t.during, t.confirmed_at, c.type, c.provider_id, c.consumer_id
    FROM applications_contractterm t JOIN applications_contract c ON c.id = t.contract_id
    WHERE t.role_id = ANY(ARRAY(SELECT id FROM roles)) AND NOT isempty(t.during) AND c.state = 'accepted'
), received AS MATERIALIZED (
    SELECT * FROM agreed WHERE consumer_id = ANY(%(tenants)s::uuid[])
), own AS (
    SELECT contract_id, role_id, during, confirmed_at FROM received
), source AS (
    SELECT contract_id, role_id, during, confirmed_at FROM agreed
    WHERE type = 'provision' AND consumer_id IN (SELECT provider_id FROM received WHERE type = 'access')
)"""
)
MANY = 50  # tenants

# The same way round: whom these providers let work on their data, and with which of the applications.
_ONWARD = """
WITH agreed AS MATERIALIZED (
    SELECT contract_id, role_id FROM applications_contractterm
    WHERE contract_id = ANY(ARRAY(
        SELECT id FROM applications_contract
        WHERE state = 'accepted' AND type = 'access' AND provider_id = ANY(%(providers)s::uuid[])))
)
SELECT DISTINCT c.consumer_id
FROM agreed t
JOIN applications_contract c ON c.id = t.contract_id
JOIN applications_applicationrole r ON r.id = t.role_id
WHERE r.application_id = ANY(%(applications)s)
"""

TENANTS = """
SELECT t.id, t.name,
    ARRAY(SELECT s.during FROM tenants_tenantsuspension s
          WHERE s.tenant_id = t.id AND NOT isempty(s.during) ORDER BY s.during),
    ARRAY(SELECT s.by_name FROM tenants_tenantsuspension s
          WHERE s.tenant_id = t.id AND NOT isempty(s.during) ORDER BY s.during)
FROM tenants_tenant t WHERE t.id = ANY({tenants})
"""


def sharing(
    application_ids: Collection[str], *, tenant_ids: Collection[UUID | str]
) -> dict[str, SharingFacts]:
    """Facts of each known application as far as they concern these tenants. Three queries at most.

    The providers' own contracts are included, so that an access contract can be followed to its source.
    Unknown ids are left out of the answer.
    """
    applications = [application_of(row) for row in _rows(_NAMED, applications=list(application_ids))]
    if not applications:
        return {}
    tenants = [str(tenant_id) for tenant_id in tenant_ids]
    # What is built in is shared by no contract: every door asks for the portal's own roles.
    shared = [application for application in applications if not application.builtin]
    contracts = _contracts(shared, tenants) if shared else {}
    mentioned = {*tenants, *(application.owner_id for application in applications)}
    for facts in contracts.values():
        mentioned |= {contract.provider_id for contract in facts}
    rows = _rows(TENANTS.format(tenants="%(tenants)s::uuid[]"), tenants=list(mentioned))
    return _sharing(applications, rows, contracts)


def built_in(
    applications: Sequence[ApplicationFact], tenants: Iterable[tuple[Any, ...]]
) -> dict[str, SharingFacts]:
    """Facts of what no contract shares, of the rows of both statements."""
    return _sharing(applications, tenants, {})


def _sharing(
    applications: Sequence[ApplicationFact],
    tenants: Iterable[tuple[Any, ...]],
    contracts: Mapping[str, Sequence[ContractFact]],
) -> dict[str, SharingFacts]:
    known = {str(row[0]): _tenant(*row) for row in tenants}
    return {
        application.id: SharingFacts(application, known, tuple(contracts.get(application.id, ())))
        for application in applications
    }


def grounds(
    application_ids: Collection[str], *, tenant_ids: Collection[UUID | str]
) -> dict[str, SharingFacts]:
    """The same without any contract: what stops an application or a tenant, whatever was agreed."""
    asked, wanted = list(application_ids), [str(tenant_id) for tenant_id in tenant_ids]
    applications = [application_of(row) for row in _rows(_NAMED, applications=asked)]
    wanted += [application.owner_id for application in applications]
    rows = _rows(TENANTS.format(tenants="%(tenants)s::uuid[]"), tenants=wanted)
    return _sharing(applications, rows, {})


def of_application(application_id: str, *, tenant_id: UUID | str) -> SharingFacts | None:
    """Facts of one application for one tenant; ``None`` when the application is unknown."""
    return sharing([application_id], tenant_ids=[tenant_id]).get(application_id)


def onward_consumers(providers: Collection[UUID], *, applications: Collection[str]) -> set[UUID]:
    """Tenants with an accepted access contract of these providers for any of the applications. One query."""
    rows = _rows(_ONWARD, providers=list(providers), applications=list(applications))
    return {row[0] for row in rows}


def application_of(row: tuple[Any, ...]) -> ApplicationFact:
    """A row of :data:`APPLICATIONS`."""
    pk, name, owner_id, during, stopped, by, keys, lives = row
    roles: dict[str, tuple[Span, ...]] = {}
    for key, life in zip(keys, lives, strict=True):
        roles[key] = (*roles.get(key, ()), Span.of(life))
    return ApplicationFact(
        id=pk,
        name=name,
        owner_id=str(owner_id),
        during=Span.of(during),
        suspensions=_stops(stopped, by),
        builtin=pk == PORTAL_ID,
        roles=roles,
    )


def _contracts(shared: Sequence[ApplicationFact], tenant_ids: Sequence[str]) -> dict[str, list[ContractFact]]:
    terms: dict[tuple[str, UUID], dict[str, tuple[Term, ...]]] = defaultdict(dict)
    heads: dict[tuple[str, UUID], tuple[Any, ...]] = {}
    statement = _finding(len(shared), len(tenant_ids))
    asked = {"applications": [each.id for each in shared], "owners": list({each.owner_id for each in shared})}
    for row in _rows(statement, tenants=list(tenant_ids), **asked):
        application_id, key, during, confirmed_at, widened, *head = row
        address = (application_id, head[0])
        roles = terms[address]
        roles[key] = (*roles.get(key, ()), _term(during, confirmed_at, widened))
        heads[address] = tuple(head)
    found: dict[str, list[ContractFact]] = defaultdict(list)
    for address, columns in heads.items():
        found[address[0]].append(_contract(columns, terms[address]))
    return found


def _finding(applications: int, tenants: int) -> str:
    return _BY_ROLE if tenants >= max(MANY, 10 * applications) else _BY_CONTRACT


def _contract(head: tuple[Any, ...], terms: dict[str, tuple[Term, ...]]) -> ContractFact:
    pk, kind, provider_id, consumer_id, onward, starts_at, ends_at, ended_by, paused, by = head
    return ContractFact(
        id=str(pk),
        type=kind,
        provider_id=str(provider_id),
        consumer_id=str(consumer_id),
        onward_access=onward,
        starts_at=starts_at,
        ends_at=ends_at,
        ended_by=ended_by,
        terms=terms,
        pauses=_stops(paused, by),
    )


def _term(during: RangeLike, confirmed_at: datetime, widened: Sequence[RangeLike]) -> Term:
    span = Span.of(during)
    return Term(span.start, span.end, confirmed_at, tuple(map(Span.of, widened)))


def _tenant(pk: UUID | str, name: str, stopped: Sequence[RangeLike], by: Sequence[str]) -> TenantFact:
    return TenantFact(str(pk), name, _stops(stopped, by))


def _stops(spans: Sequence[RangeLike], by: Sequence[str]) -> tuple[Stop, ...]:
    return tuple(Stop(Span.of(span), name) for span, name in zip(spans, by, strict=True))


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def concerns(facts: SharingFacts, *, tenant_id: str) -> bool:
    """Whether the tenant has, or had, anything to do with the application: owner, or by a contract."""
    if facts.application.builtin or facts.application.owner_id == tenant_id:
        return True
    return any(contract.consumer_id == tenant_id for contract in facts.contracts)
