"""Whether an assignment counts now, and why: the same function that tokens and lists ask."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, TextField, Value

from accesscontrol import facts as load
from accesscontrol import made as made_roles
from accesscontrol.decide import AssignmentFact, Ground, PrincipalFacts, roles_on
from accesscontrol.made import Touched
from accesscontrol.models import Assignment, TenantRole
from applications import facts as sharing_facts
from applications.availability import SharingFacts
from applications.models import Application, ApplicationRole, Contract
from applications.models.applications import PORTAL_ID
from iam_portal.decision import Decision, Reason
from iam_portal.sentences import said
from iam_portal.spans import Span
from iam_portal.spelled import Spelled
from tenants.models import Tenant, User, UserActivity

Shared = Callable[[Collection[str]], Mapping[str, SharingFacts]]
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
    user: User, *, tenant: Tenant, at: datetime, opening: bool = False, shared: Shared | None = None
) -> list[Held]:
    """Everything that reaches the user now or later, directly and through groups, with its standing.

    ``opening``: only roles of applications that one opens. ``shared`` answers with facts of sharing, which
    are asked for here without it. Of what is held with each assignment, only what is told of it is read.
    """
    active, reach = load.reach_of_user(user.pk, tenant_id=tenant.pk)
    groups = "{" + ",".join(map(str, reach)) + "}"
    found = (_OPENED if opening else _HELD).rows(tenant=tenant.pk, user=user.pk, groups=groups, at=at)
    every = _assignments(found, _OF_OPENED if opening else _BESIDE)
    rows = [row for row in every if row.tenant_role is None or not row.tenant_role.during.isempty]
    judge, spoken_of = _judge(rows, tenant, at, shared)
    given: dict[tuple[UUID, str], list[AssignmentFact]] = defaultdict(list)
    for application_id, row in product(judge.grounds, rows):
        if application_id in spoken_of[row.pk]:
            fact = _fact(row, application_id)
            for via in reach[row.group_id] if row.group_id else [None]:
                given[row.pk, via.group_name if via else ""].append(replace(fact, via=via))
    known = {row.pk: row for row in rows}
    held = [Held(known[pk], group, judge.judge(facts, active)) for (pk, group), facts in given.items()]
    return [one for one in held if one.standing.state != "ended"]


def _judge(
    rows: Sequence[Assignment], tenant: Tenant, at: datetime, shared: Shared | None = None
) -> tuple[Judge, dict[UUID, list[str]]]:
    """And the applications that each assignment's role speaks of.

    Of permissions only those by which a role of the tenant's own making may come to nothing.
    """
    made = {row.tenant_role_id: row.tenant_role.key for row in rows if row.tenant_role_id and row.tenant_role}
    touched = made_roles.touched(list(made), at=at)
    spoken_of = {row.pk: _applications_of(row, touched) for row in rows}
    application_ids = {found for ids in spoken_of.values() for found in ids}
    shared = shared or partial(sharing_facts.sharing, tenant_ids=[tenant.pk])
    sharing = shared(application_ids)
    named, tenant_id = [(key, touched[pk]) for pk, key in made.items() if pk in touched], str(tenant.pk)
    grounds = {
        application_id: Ground(facts, made_roles.book(application_id, named), tenant_id=tenant_id, at=at)
        for application_id, facts in sharing.items()
    }
    return Judge(tenant_id, grounds, at), spoken_of


def _columns(model: type[Model], names: str) -> tuple[str, ...]:
    """In the order in which the framework makes an instance of them."""
    asked = names.split()
    return tuple(field.attname for field in model._meta.concrete_fields if field.name in asked)


# What is read of an assignment, and of what stands beside it: where that is, and its columns.
_OWN = _columns(Assignment, "id tenant user group application_role tenant_role contract during by_name")
_BESIDE = {
    "application_role": (ApplicationRole, _columns(ApplicationRole, "id application key name")),
    "application_role__application": (Application, _columns(Application, "id name display_name home_url")),
    "tenant_role": (TenantRole, _columns(TenantRole, "id key name during")),
    "contract": (Contract, _columns(Contract, "id provider")),
    "contract__provider": (Tenant, _columns(Tenant, "id name")),
}
_OF_OPENED = {place: told for place, told in _BESIDE.items() if place.startswith("application_role")}


def _reaching(
    *, tenant: UUID, user: UUID, groups: str, at: datetime, opening: bool = False
) -> QuerySet[Assignment, Any]:
    """``groups`` as an array in one text."""
    reached = Func(
        F("group_id"),
        Value(groups, output_field=TextField()),
        template="%(expressions)s::uuid[])",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )
    rows = Assignment.objects.not_over(at).filter(Q(user=user) | Q(reached), tenant=tenant)
    if opening:  # neither the portal's own roles nor those of the organization's making
        rows = rows.filter(application_role__isnull=False).exclude(application_role__application=PORTAL_ID)
    places = _OF_OPENED if opening else _BESIDE
    beside = [f"{place}__{name}" for place, (_, names) in places.items() for name in names]
    return rows.order_by("created_at", "id").values_list(*_OWN, *beside)


_GIVEN: dict[str, type] = {"tenant": UUID, "user": UUID, "groups": str, "at": datetime}
_HELD, _OPENED = Spelled(_reaching, **_GIVEN), Spelled(partial(_reaching, opening=True), **_GIVEN)


def _assignments(
    rows: Iterable[Sequence[Any]], places: Mapping[str, tuple[type[Model], Sequence[str]]]
) -> Iterator[Assignment]:
    """As the framework would make them, but each thing beside them only once; what was not read is asked for
    when it is looked at.
    """
    known: dict[tuple[str, Any], Model] = {}
    for row in rows:
        begin = len(_OWN)
        assignment = Assignment.from_db(None, _OWN, row[:begin])
        found: dict[str, Model] = {"": assignment}
        for place, (model, names) in places.items():
            values, begin = row[begin : begin + len(names)], begin + len(names)
            if values[0] is None:
                continue
            if (one := known.get((place, values[0]))) is None:
                one = known[place, values[0]] = model.from_db(None, names, values)
            found[place] = one
            owner, _, name = place.rpartition("__")
            found[owner]._state.fields_cache[name] = one
        yield assignment


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
