"""What it takes from people and services when a role of a tenant's own making holds less, or ends."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from accesscontrol import holdings as load
from accesscontrol.decide import PrincipalFacts, tenant_role_urn
from accesscontrol.holdings import Holdings, rows_of
from accesscontrol.impact import Seen, lost_calls, seen
from accesscontrol.impact_shapes import people_part, services_part
from accesscontrol.models import TenantRole
from applications.impact import UNMOVED
from iam_portal.errors import NotFound
from iam_portal.spans import Span
from tenants.impact import Act, Part, is_foreseen
from tenants.policies import hold

Holders = Mapping[Span, frozenset[str]]  # when people hold the role, from the moment on → their ids

# All that one look reads of the role itself. Of one that thousands hold, one row for all who hold it from and
# until the same moments; of its assignments one for all that are not a service's.
_FOUND = """
WITH RECURSIVE given AS MATERIALIZED (
    SELECT id, user_id, group_id, application_id, during FROM accesscontrol_assignment
    WHERE tenant_id = %(tenant)s AND tenant_role_id = (SELECT %(role)s::uuid)
        AND NOT isempty(during) AND (upper_inf(during) OR upper(during) > %(at)s)
), below(group_id, during) AS (
    SELECT g.id, g.during * given.during
    FROM given CROSS JOIN LATERAL (SELECT id, during FROM tenants_group WHERE id = given.group_id OFFSET 0) g
    WHERE given.group_id IS NOT NULL
    UNION
    SELECT p.group_id, b.during * p.during
    FROM below b JOIN tenants_groupplacement p ON p.parent_id = b.group_id AND p.during && b.during
), held(user_id, during) AS (
    SELECT user_id, during FROM given WHERE user_id IS NOT NULL
    UNION ALL
    SELECT m.user_id, m.during * b.during
    FROM tenants_membership m JOIN below b ON b.group_id = m.group_id
    WHERE m.tenant_id = %(tenant)s AND m.group_id = ANY(ARRAY(SELECT group_id FROM below))
)
SELECT 'held', greatest(lower(during), %(when)s), upper(during), string_agg(user_id::text, ','), NULL
FROM (
    SELECT user_id, held.during * active.during AS during
    FROM held JOIN (
        SELECT user_id, during FROM tenants_useractivity WHERE tenant_id = %(tenant)s OFFSET 0
    ) active USING (user_id) OFFSET 0
) living WHERE NOT isempty(during) AND (upper_inf(during) OR upper(during) > %(when)s)
GROUP BY 2, 3
UNION ALL
SELECT 'given', NULL, NULL, string_agg(id::text, ','), application_id FROM given GROUP BY application_id
UNION ALL
SELECT DISTINCT 'in', NULL::timestamptz, NULL::timestamptz, s.application_id, NULL
FROM (
    SELECT resource_id FROM accesscontrol_tenantrolepermission
    WHERE role_id = %(role)s
        AND NOT isempty(during) AND (upper_inf(during) OR upper(during) > %(at)s) OFFSET 0
) p
CROSS JOIN LATERAL (SELECT application_id FROM applications_resource WHERE id = p.resource_id OFFSET 0) s
UNION ALL
SELECT CASE WHEN during @> %(at)s THEN 'lives' ELSE 'ended' END, NULL, NULL, revision::text, NULL
FROM accesscontrol_tenantrole WHERE id = %(role)s
"""


@dataclass(frozen=True, slots=True)
class _Found:
    """The role at one look. ``given``: assignments, now or by plan, with the service, where it is one."""

    revision: int
    lives: bool
    applications: list[str]
    given: Mapping[str, str | None]
    holders: Holders  # directly and through groups, while they are active


def look_at_role(act: Act, role: TenantRole) -> Callable[[], Part]:
    """It moves no availability: the pairs are where its permissions lie.

    Whoever holds it loses it, also who cannot use it just now. Foreseen, what is left after its end is known:
    nobody holds it, and thousands of rows need not be written and taken back for that. Of people only what
    they hold by it is looked at, and of services all that those hold who hold it.
    """
    hold(act.tenant)
    here, found = str(act.tenant.id), _find(act, role)
    pairs = {application_id: frozenset({here}) for application_id in found.applications}
    foreseen, gone = is_foreseen("delete", role), _Found(found.revision, False, [], {}, {})
    if foreseen and not found.lives:
        raise NotFound  # it ended while we waited for it
    callers = {caller for caller in found.given.values() if caller}

    def services() -> Holdings:
        return load.of_services(pairs, made=role.key, callers=callers, when=act.moment)

    before = services()

    def again() -> Part:
        left, after = (gone, _without(before, role)) if foreseen else (_find(act, role), services())
        people = sorted(_lost(role, pairs, (found.holders, left.holders), (before, after)))
        calls = lost_calls(before, after, act.moment, act.renamed)
        withdrawn = sorted(found.given.keys() - left.given.keys())
        urns = [tenant_role_urn(here, role.key)]
        shown = {
            **UNMOVED,
            **people_part(act, {(here, one): urns for one in people}, applications=pairs),
            **services_part(act, calls),
        }
        weighed = [people, sorted(calls), found.revision, withdrawn]
        harmless = not people and not calls and not withdrawn
        return Part(shown, weighed, harmless, ours=len(people))

    return again


def _find(act: Act, role: TenantRole) -> _Found:
    """One statement."""
    held: dict[Span, set[str]] = defaultdict(set)
    given: dict[str, str | None] = {}
    named: dict[str, list[str]] = {"in": [], "lives": [], "ended": []}
    asked = {"tenant": role.tenant_id, "role": role.id, "at": act.at, "when": act.moment}
    for kind, start, end, text, caller in rows_of(_FOUND, **asked):
        if kind == "held":
            held[Span(start, end)].update(text.split(","))
        elif kind == "given":
            given.update(dict.fromkeys(text.split(","), caller))
        else:
            named[kind].append(text)
    holders = {span: frozenset(users) for span, users in held.items()}
    (revision,) = named["lives"] or named["ended"]
    return _Found(int(revision), bool(named["lives"]), sorted(named["in"]), given, holders)


def _lost(
    role: TenantRole,
    applications: Collection[str],
    held: tuple[Holders, Holders],
    looks: tuple[Holdings, Holdings],
) -> set[str]:
    """Who holds it at some moment and then does not, or only with less in it."""
    found: set[str] = set()
    for application_id in applications:
        was, becomes = (seen(look, (application_id, str(role.tenant_id))) for look in looks)
        if was is None:
            continue
        turns = sorted({*was.turns, *(becomes.turns if becomes else ()), *_bounds(held[1])})
        for span, users in held[0].items():
            for moment in (span.start, *(turn for turn in turns if span.covers(turn))):
                found |= _lost_at(moment, role.key, users, held[1], (was, becomes))
    return found


def _lost_at(
    at: datetime | None, key: str, users: frozenset[str], left: Holders, looks: tuple[Seen, Seen | None]
) -> frozenset[str]:
    was, becomes = looks
    if at is None or not (amount := was.ground(at).made(key)):
        return frozenset()
    if becomes is None or amount.exceeds(becomes.ground(at).made(key)):
        return users
    return users.difference(*(theirs for span, theirs in left.items() if span.covers(at)))


def _bounds(left: Holders) -> set[datetime]:
    return {moment for span in left for moment in (span.start, span.end) if moment is not None}


def _without(held: Holdings, role: TenantRole) -> Holdings:
    """Once the role has ended."""
    tenant_id = str(role.tenant_id)

    def rest(facts: PrincipalFacts) -> PrincipalFacts:
        kept = [one for one in facts.assignments if (one.tenant_id, one.tenant_role) != (tenant_id, role.key)]
        return replace(facts, assignments=tuple(kept))

    calls = {
        call: replace(facts, local=rest(facts.local), at_home=rest(facts.at_home))
        for call, facts in held.calls.items()
    }
    return replace(held, calls=calls)


__all__ = ["look_at_role"]
