"""A document against what stands: the plan is the application itself, tried and taken back."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from accesscontrol.configuration import shape
from accesscontrol.configuration.carrying import Carrier, NeedsPermission, Refused
from accesscontrol.configuration.comparing import Comparison, Objections
from accesscontrol.configuration.comparing_holders import steps as steps_of
from accesscontrol.configuration.locking import lock
from accesscontrol.configuration.shape import Configuration, Names
from accesscontrol.configuration.state import State, read
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE, Step
from applications.policies import RESOURCES
from iam_portal.errors import DomainError, Forbidden, Invalid, Kind
from iam_portal.gate import Actor, Permission, gate, require
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.impact import Act, Impact, foresee, revision_of, weigh
from tenants.models import Tenant

READ, MODIFY = Permission.parse("Configuration:read"), Permission.parse("Configuration:modify")
PRUNABLE = ("applications", "contracts")
MOST_STEPS = 500  # by REST; each is decided by itself, and others wait until all are through
# What the door asks for to whom a section is shown.
READING = {
    "applications": "Modules:read",
    "groups": "Groups:read",
    "roles": "Roles:read",
    "assignments": "Roles:read",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """``revision`` stands for the document, for what it was compared with, and for what would be lost."""

    revision: str
    steps: tuple[Step, ...]
    objections: Objections
    impact: Impact | None
    refused: tuple[DomainError, ...] = ()  # of what history is to say that somebody tried

    def as_json(self) -> dict[str, Any]:
        """The wire form."""
        verbs = [step.verb for step in self.steps]
        return {
            "revision": self.revision,
            "summary": {verb: verbs.count(verb) for verb in (ADD, CHANGE, REMOVE)},
            "steps": [step.as_json() for step in self.steps],
            "objections": self.objections,
            "impact": dict(self.impact.parts) if self.impact is not None else None,
        }


class _NotApplied(DomainError):
    """Carries what the doors are to record of it."""

    def __init__(self, detail: str, plan: Plan) -> None:
        super().__init__(detail, data={"plan": plan.as_json()})
        self.refused = plan.refused


class PlanRequired(_NotApplied):
    """Nobody applies what he has not seen: it takes the revision of a plan. ``data`` holds the plan."""

    code = "plan_required"
    kind = Kind.PRECONDITION


class PlanChanged(_NotApplied):
    """The document or the world is another than that of the plan. ``data`` holds the plan as it is now."""

    code = "plan_changed"
    kind = Kind.STALE


class CannotApply(_NotApplied):
    """Something speaks against it; every objection is listed. Nothing was changed."""

    code = "configuration_not_possible"

    def __init__(self, detail: str, plan: Plan) -> None:
        super().__init__(detail, plan)
        self.errors = plan.objections


class MayNotApply(CannotApply):
    """Some of it the actor may not do; he may not do it by a document either."""

    code = Forbidden.code
    kind = Kind.FORBIDDEN


class TooManySteps(Invalid):
    """More than is done at once; apply it in parts."""

    code = "too_many_steps"


def export(*, tenant: Tenant, by: Actor, at: datetime) -> Configuration:
    """The sections that the actor may read. What he may not read is left out, and so not touched by him."""
    with tenant_scope(tenant.id):
        require(actor=by, tenant_id=tenant.id, permission=READ, at=at)
        sections, types = _readable(tenant, by, at, shape.SECTIONS)
        return read(tenant=tenant, sections=sections, types=types, at=at).configuration


def plan(
    *,
    tenant: Tenant,
    wanted: Configuration,
    prune: Collection[str],
    by: Actor,
    at: datetime,
    most: int | None = MOST_STEPS,
) -> Plan:
    """What applying it would do; afterwards nothing has happened. Waits for nobody for long."""
    found: list[Plan] = []
    asked: dict[str, Any] = {
        "tenant": tenant,
        "wanted": wanted,
        "prune": prune,
        "by": by,
        "at": at,
        "most": most,
    }
    looking = Act(name="configure", tenant=tenant, subject=None, at=at)
    foresee(looking, lambda: found.append(_carried(**asked)))
    return found[0]


def apply(
    *,
    tenant: Tenant,
    wanted: Configuration,
    prune: Collection[str],
    expected: str | None,
    by: Actor,
    at: datetime,
    most: int | None = MOST_STEPS,
) -> Plan:
    """Make it so, all or nothing, if that is still what the plan of this revision said.

    The doors lock first (``locking.lock``) and take the moment then: of two at once the second has to see
    what the first one did, also when it came in earlier.
    """
    asked: dict[str, Any] = {
        "tenant": tenant,
        "wanted": wanted,
        "prune": prune,
        "by": by,
        "at": at,
        "most": most,
    }
    with transaction.atomic():
        done = _carried(**asked)
        if expected is None:
            text = "Look at the plan first, then send its revision in If-Match. Nothing was changed."
            raise PlanRequired(text, done)
        if expected != done.revision:
            text = "The plan is another than the one that was shown. Nothing was changed by you."
            raise PlanChanged(text, done)
        if done.objections:
            refusal = (
                MayNotApply if any(one["code"] == "forbidden" for one in done.objections) else CannotApply
            )
            raise refusal("This cannot be applied. Nothing was changed.", done)
        if done.steps:
            _record(tenant, done, by=by, at=at)
    return done


def _carried(
    *,
    tenant: Tenant,
    wanted: Configuration,
    prune: Collection[str],
    by: Actor,
    at: datetime,
    most: int | None,
) -> Plan:
    """Compared and done, under the locks of all that it touches, in the caller's transaction."""
    with tenant_scope(tenant.id):
        lock(tenant, wanted, at=at)
        require(actor=by, tenant_id=tenant.id, permission=MODIFY, at=at)  # he may have waited for the locks
        names = Names(tenant.slug)
        sections, types = _readable(tenant, by, at, wanted.sections())
        hidden = [name for name in wanted.sections() if name not in sections]
        seen = replace(wanted, **dict.fromkeys(hidden))
        state = read(tenant=tenant, sections=sections, types=types, usernames=_people(seen), at=at)
        of = Comparison(state, seen, names, types, _principal(tenant, by), at)
        steps = steps_of(of)
        if most is not None and len(steps) > most:
            raise TooManySteps(f"These are {len(steps)} steps; at most {most} are done at once.")
        objections = [*_hidden(hidden), *of.objections, *_final(steps, prune)]
        impact, refused = _done(tenant, state, steps, by, at)
        objections += [objection for one in refused for objection in one.objections()]
        facts = [shape.document(one, names) for one in (wanted, state.configuration)]
        weight = [*facts, sorted(prune), hidden, impact.revision]
        shown = impact if _takes(steps) else None
        records = _refusals(tenant, hidden, refused, by, at)
        return Plan(revision_of(weight), tuple(steps), objections, shown, records)


def _done(
    tenant: Tenant, state: State, steps: list[Step], by: Actor, at: datetime
) -> tuple[Impact, list[Refused]]:
    """Between two looks at the whole tenant, where something may be taken from somebody."""
    carrier = Carrier(tenant, state, by, at, dict(state.group_ids))
    ask = gate().answers(actor=by, tenant_id=tenant.id, at=at)  # as of before: no step opens the next
    subject = tenant if _takes(steps) else None
    act = Act(name="configure", tenant=tenant, subject=subject, at=at)
    return weigh(act, lambda: carrier.carry(steps, ask))


def _takes(steps: Collection[Step]) -> bool:
    return any(step.verb != ADD for step in steps)


def _readable(
    tenant: Tenant, by: Actor, at: datetime, sections: Collection[str]
) -> tuple[list[str], list[str]]:
    """The sections that the doors would show to the actor, and the types of contracts."""
    may = gate().answers(actor=by, tenant_id=tenant.id, at=at)
    types = [type for type, resource in RESOURCES.items() if may(Permission.parse(f"{resource}:read"))]
    shown = {name for name, text in READING.items() if may(Permission.parse(text))}
    shown |= {"contracts"} if types else set()
    return [name for name in sections if name in shown], types


def _principal(tenant: Tenant, by: Actor) -> tuple[str, str]:
    """The actor, as the document names principals."""
    if by.kind != "user":
        return "application", by.id
    return "user", tenant.users.values_list("username", flat=True).filter(id=by.id).first() or ""


def _people(wanted: Configuration) -> set[str]:
    named = {name for group in wanted.groups or () for name in group.members}
    return named | {one.principal for one in wanted.assignments or () if one.kind == "user"}


def _hidden(sections: Collection[str]) -> Objections:
    contracts = " or ".join(f"{resource}:read" for resource in RESOURCES.values())
    return [
        {
            "pointer": f"/{name}",
            "code": "forbidden",
            "detail": f"This section needs the permission {READING.get(name, contracts)}.",
        }
        for name in sections
    ]


def _final(steps: Collection[Step], prune: Collection[str]) -> Objections:
    return [
        {
            "pointer": step.pointer,
            "code": "prune_required",
            "detail": f"{step.name}: this cannot be taken back. Allow it by prune={step.section}.",
        }
        for step in steps
        if step.final and step.section not in prune
    ]


def _refusals(
    tenant: Tenant, hidden: Collection[str], refused: Collection[Refused], by: Actor, at: datetime
) -> tuple[DomainError, ...]:
    """Who tried what: each refusal of ``may grant`` as it says, those of the doors in one row."""
    tried = [one.step for one in refused if isinstance(one.why, NeedsPermission)]
    found = [one.why for one in refused if isinstance(one.why, DomainError) and one.why.record is not None]
    if tried or hidden:
        permissions = {text for step in tried for text in step.permissions}
        record = {
            "action": "configuration.refused",
            "tenants": [tenant.id],
            "by": by,
            "at": at,
            "subject": ("tenant", tenant.id, tenant.name),
            "after": {
                "sections": sorted(hidden),
                "permissions": sorted(permissions),
                "steps": [f"{step.verb} {step.section}" for step in tried],
            },
        }
        found.append(Forbidden("Not by a document either.", record=record))
    return tuple(found)


def _record(tenant: Tenant, done: Plan, *, by: Actor, at: datetime) -> None:
    """Beside the rows of each step: that they belong together."""
    shown = done.as_json()
    history.record(
        action="configuration.applied",
        tenants=[tenant.id],
        by=by,
        at=at,
        subject=("tenant", tenant.id, tenant.name),
        after={"revision": done.revision, **shown["summary"]},
    )
