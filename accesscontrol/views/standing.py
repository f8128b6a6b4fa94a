"""Whether an assignment counts now, and why: the same function that tokens and lists ask."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from uuid import UUID

from django.db.models import Q

from accesscontrol import facts as load
from accesscontrol import made as made_roles
from accesscontrol.decide import AssignmentFact, Ground, PrincipalFacts, roles_on
from accesscontrol.made import Touched
from accesscontrol.models import Assignment
from applications import facts as sharing_facts
from iam_portal.decision import Decision, Reason
from iam_portal.sentences import said
from iam_portal.spans import Span
from tenants.models import Tenant, User, UserActivity

RELATED = ("application_role__application", "tenant_role", "contract__provider")
NO_PERMISSION = Reason("role_empty", said("The role holds no permission."))


@dataclass(frozen=True, slots=True)
class Standing:
    """``state`` is in_force, scheduled, ended or not_available; the decision says why."""

    state: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Held:
    """An assignment as it reaches somebody: itself, or through a group."""

    row: Assignment
    group: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Judge:
    """What every judgement about one tenant needs, by application; loaded once."""

    tenant_id: str
    grounds: dict[str, Ground]
    at: datetime

    def judge(self, given: Sequence[AssignmentFact], active: tuple[Span, ...]) -> Standing:
        """One assignment, as a fact for each application that its role speaks of."""
        spans = given[0].spans if given else ()
        if any(span.is_past(self.at) for span in spans):
            return Standing("ended", Decision.no())
        if any(span.is_future(self.at) for span in spans):
            return Standing("scheduled", Decision.no())
        refusals: list[Reason] = []
        for fact in given:
            ground = self.grounds.get(fact.application_id or "")
            if ground is None:
                continue
            principal = PrincipalFacts("", self.tenant_id, active, (fact,))
            roles = roles_on(ground, principal, at=self.at)
            if roles.held:
                return Standing("in_force", Decision.yes(*roles.held[0].reasons))
            refusals += roles.refusals
        return Standing("not_available", Decision.no(*dict.fromkeys(refusals or [NO_PERMISSION])))


def of_rows(rows: Sequence[Assignment], *, tenant: Tenant, at: datetime) -> dict[UUID, Standing]:
    """Where each assignment stands. A fixed number of queries for any number of rows.

    ``application_role`` and ``tenant_role`` of the rows are read.
    """
    judge, spoken_of = _judge(rows, tenant, at)
    active = _activity({row.user_id for row in rows if row.user_id is not None}, tenant)
    found = {}
    for row in rows:
        given = [_fact(row, application_id) for application_id in spoken_of[row.pk]] or [_fact(row, "")]
        spans = active[row.user_id] if row.user_id is not None else list(load.ALWAYS)
        found[row.pk] = judge.judge(given, tuple(spans))
    return found


def of_user(
    user: User, *, tenant: Tenant, at: datetime, which: Q | None = None, related: Sequence[str] = RELATED
) -> list[Held]:
    """Everything that reaches the user now or later, directly and through groups, with its standing.

    ``which``: of these assignments alone; ``related``: what is read with them.
    """
    active, reach = load.reach_of_user(user.pk, tenant_id=tenant.pk)
    mine = Assignment.objects.not_over(at).filter(Q(user=user) | Q(group_id__in=list(reach)), tenant=tenant)
    mine = mine.filter(which or Q()).order_by("created_at", "id")
    found = mine.select_related(*related)
    rows = [row for row in found if row.tenant_role is None or not row.tenant_role.during.isempty]
    judge, spoken_of = _judge(rows, tenant, at)
    given: dict[tuple[UUID, str], list[AssignmentFact]] = defaultdict(list)
    for application_id, row in product(judge.grounds, rows):
        if application_id in spoken_of[row.pk]:
            fact = _fact(row, application_id)
            for via in reach[row.group_id] if row.group_id else [None]:
                given[row.pk, via.group_name if via else ""].append(replace(fact, via=via))
    known = {row.pk: row for row in rows}
    held = [Held(known[pk], group, judge.judge(facts, active)) for (pk, group), facts in given.items()]
    return [one for one in held if one.standing.state != "ended"]


def _judge(rows: Sequence[Assignment], tenant: Tenant, at: datetime) -> tuple[Judge, dict[UUID, list[str]]]:
    """And the applications that each assignment's role speaks of.

    Of permissions only those by which a role of the tenant's own making may come to nothing.
    """
    made = {row.tenant_role_id: row.tenant_role.key for row in rows if row.tenant_role_id and row.tenant_role}
    touched = made_roles.touched(list(made), at=at)
    spoken_of = {row.pk: _applications_of(row, touched) for row in rows}
    application_ids = {found for ids in spoken_of.values() for found in ids}
    sharing = sharing_facts.sharing(application_ids, tenant_ids=[tenant.pk])
    named, tenant_id = [(key, touched[pk]) for pk, key in made.items() if pk in touched], str(tenant.pk)
    grounds = {
        application_id: Ground(facts, made_roles.book(application_id, named), tenant_id=tenant_id, at=at)
        for application_id, facts in sharing.items()
    }
    return Judge(tenant_id, grounds, at), spoken_of


def _applications_of(row: Assignment, touched: Mapping[UUID, Mapping[str, Touched]]) -> list[str]:
    if row.application_role:
        return [row.application_role.application_id]
    return sorted(touched.get(row.tenant_role_id, ())) if row.tenant_role_id else []


def _activity(user_ids: Iterable[UUID], tenant: Tenant) -> dict[UUID, list[Span]]:
    found: dict[UUID, list[Span]] = defaultdict(list)
    rows = UserActivity.objects.filter(tenant=tenant, user_id__in=list(user_ids), during__isempty=False)
    for user_id, during in rows.values_list("user_id", "during"):
        found[user_id].append(Span.of(during))
    return found


def _fact(row: Assignment, application_id: str) -> AssignmentFact:
    return AssignmentFact(
        id=str(row.pk),
        tenant_id=str(row.tenant_id),
        span=Span.of(row.during),
        by=row.by_name,
        application_id=application_id,
        application_role=row.application_role.key if row.application_role else None,
        tenant_role=row.tenant_role.key if row.tenant_role else None,
        tenant_role_name=row.tenant_role.name if row.tenant_role else "",
        contract_id=str(row.contract_id) if row.contract_id else None,
    )
