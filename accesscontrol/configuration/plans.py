"""A document against what stands: the plan is the application itself, tried and taken back."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from accesscontrol.configuration import shape
from accesscontrol.configuration.carrying import Carrier, NeedsPermission
from accesscontrol.configuration.comparing import Comparison, Objections
from accesscontrol.configuration.comparing_holders import steps as steps_of
from accesscontrol.configuration.locking import lock
from accesscontrol.configuration.outcomes import (
    CannotApply,
    MayNotApply,
    Plan,
    PlanChanged,
    PlanRequired,
    Refused,
    TooManySteps,
)
from accesscontrol.configuration.shape import Configuration, Names
from accesscontrol.configuration.state import State, read
from accesscontrol.configuration.steps import ADD, Step
from accesscontrol.configuration.superseded import Renamed, renamed, under_new_names
from applications.impact_scope import Scope, around, within
from applications.policies import RESOURCES
from iam_portal.errors import DomainError, Forbidden
from iam_portal.gate import Actor, Permission, gate, require
from iam_portal.walls import tenant_scope
from tenants import history
from tenants.impact import Act, Impact, foresee, patient, revision_of, weigh
from tenants.models import Tenant

READ, MODIFY = Permission.parse("Configuration:read"), Permission.parse("Configuration:modify")
PRUNABLE = ("applications", "contracts")
# By REST: each step is decided by itself, each part of it written, and others wait until all are through.
# A single manifest is always less than that.
MOST_STEPS, MOST_PARTS, LONGEST = 500, 25_000, 30.0  # LONGEST: seconds
# What the door asks for to whom a section is shown.
READING = {
    "applications": "Modules:read",
    "groups": "Groups:read",
    "roles": "Roles:read",
    "assignments": "Roles:read",
    "mappings": "IdentityProviders:read|GroupMappers:read",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both acts are told."""

    tenant: Tenant
    wanted: Configuration
    prune: frozenset[str]
    by: Actor
    at: datetime
    most: int | None


def export(
    *, tenant: Tenant, by: Actor, at: datetime, sections: Collection[str] = shape.SECTIONS
) -> Configuration:
    """The sections that the actor may read. What he may not read is left out, and so not touched by him."""
    with tenant_scope(tenant.id):
        require(actor=by, tenant_id=tenant.id, permission=READ, at=at)
        return readable(tenant=tenant, by=by, at=at, sections=sections)


def readable(*, tenant: Tenant, by: Actor, at: datetime, sections: Collection[str]) -> Configuration:
    """Those of these sections that their doors would show to the actor."""
    with tenant_scope(tenant.id):
        shown, types = _readable(tenant, by, at, sections)
        return read(tenant=tenant, sections=shown, types=types, at=at).configuration


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
    asked = _Asked(tenant, wanted, frozenset(prune), by, at, most)
    looking = Act(name="configure", tenant=tenant, subject=None, at=at)
    foresee(looking, lambda: found.append(_carried(asked)))
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
    what the first one did, also when it came in earlier. Without a revision it is a plan and nothing more.
    """
    if expected is None:
        shown = plan(tenant=tenant, wanted=wanted, prune=prune, by=by, at=at, most=most)
        text = "Look at the plan first, then send its revision in If-Match. Nothing was changed."
        raise PlanRequired(text, shown)
    asked = _Asked(tenant, wanted, frozenset(prune), by, at, most)
    with patient():
        done = _carried(asked)
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


def _carried(asked: _Asked) -> Plan:
    """Compared and done, under the locks of all that it touches, in the caller's transaction."""
    tenant, wanted, by, at = asked.tenant, asked.wanted, asked.by, asked.at
    until = math.inf if asked.most is None else monotonic() + LONGEST
    with tenant_scope(tenant.id):
        lock(tenant, wanted, at=at)
        require(actor=by, tenant_id=tenant.id, permission=MODIFY, at=at)  # he may have waited for the locks
        names = Names(tenant.slug)
        sections, types = _readable(tenant, by, at, wanted.sections())
        hidden = [name for name in wanted.sections() if name not in sections]
        seen = replace(wanted, **dict.fromkeys(hidden))
        state = read(tenant=tenant, sections=sections, types=types, usernames=_people(seen), at=at)
        renaming = renamed(tenant, seen, state.configuration, at=at)
        then = under_new_names(state, renaming)
        of = Comparison(then, seen, names, types, _principal(tenant, by), at)
        steps = steps_of(of)
        _refuse_too_many(steps, asked.most)
        objections = [*_hidden(hidden), *of.objections, *_final(steps, asked.prune)]
        astray = {one["pointer"].split("/")[1] for one in objections if one["code"] == Forbidden.code}
        impact, refused = _done(asked, then, steps, renaming, until)
        objections += [objection for one in refused for objection in one.objections()]
        facts = [shape.document(one, names) for one in (wanted, state.configuration)]
        weight = [*facts, sorted(asked.prune), hidden, impact.revision]
        shown = impact if _takes(steps) else None
        tried = _tried(asked, astray, refused)
        return Plan(revision_of(weight), tuple(steps), objections, shown, tried)


def _done(
    asked: _Asked, state: State, steps: list[Step], renaming: Renamed, until: float
) -> tuple[Impact, list[Refused]]:
    """Between two looks at all that rests on the tenant, where something may be taken from somebody."""
    tenant, by, at = asked.tenant, asked.by, asked.at
    carrier = Carrier(tenant, state, by, at, dict(state.group_ids), until)
    ask = gate().answers(actor=by, tenant_id=tenant.id, at=at)  # as of before: no step opens the next
    act = Act(name="configure", tenant=tenant, subject=_scope(tenant, steps, at), at=at, renamed=renaming)
    return weigh(act, lambda: carrier.carry(steps, ask))


def _refuse_too_many(steps: Collection[Step], most: int | None) -> None:
    """Counted is what is to be done: a document that changes little may be as large as it likes."""
    if most is None:
        return
    if len(steps) > most:
        raise TooManySteps(f"These are {len(steps)} steps; at most {most} are done at once.")
    parts = sum(step.parts for step in steps)
    if parts > MOST_PARTS:
        text = f"These are {parts} resources and permissions; at most {MOST_PARTS} are written at once."
        raise TooManySteps(text)


def _scope(tenant: Tenant, steps: Collection[Step], at: datetime) -> Scope | None:
    """What only adds takes nothing. Others are looked at only where something is done that they can feel."""
    if not _takes(steps):
        return None
    shared = any(step.section in PRUNABLE and step.verb != ADD for step in steps)
    return around(tenant, at=at) if shared else within(tenant, at=at)


def _takes(steps: Collection[Step]) -> bool:
    return any(step.verb != ADD for step in steps)


def _readable(
    tenant: Tenant, by: Actor, at: datetime, sections: Collection[str]
) -> tuple[list[str], list[str]]:
    """The sections that the doors would show to the actor, and the types of contracts."""
    may = gate().answers(actor=by, tenant_id=tenant.id, at=at)
    types = [type for type, resource in RESOURCES.items() if may(Permission.parse(f"{resource}:read"))]
    shown = {name for name, text in READING.items() if any(map(may, Permission.alternatives(text)))}
    shown |= {"contracts"} if types else set()
    return [name for name in sections if name in shown], types


def _principal(tenant: Tenant, by: Actor) -> tuple[str, str]:
    """The actor, as the document names principals."""
    if by.kind != "user":
        return "application", by.id
    return "user", tenant.users.values_list("username", flat=True).filter(id=by.id).first() or ""


def _people(wanted: Configuration) -> set[str]:
    named = {one.user for group in wanted.groups or () for one in group.members}
    return named | {one.principal for one in wanted.assignments or () if one.kind == "user"}


def _hidden(sections: Collection[str]) -> Objections:
    needed = {"contracts": "|".join(f"{resource}:read" for resource in RESOURCES.values()), **READING}
    return [
        {
            "pointer": f"/{name}",
            "code": "forbidden",
            "detail": f"This section needs the permission {needed[name].replace('|', ' or ')}.",
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


def _tried(asked: _Asked, astray: Collection[str], refused: Collection[Refused]) -> tuple[DomainError, ...]:
    """Who tried what: each refusal of ``may grant`` as it says, those of the doors in one row."""
    tried = [one.step for one in refused if isinstance(one.why, NeedsPermission)]
    found = [one.why for one in refused if isinstance(one.why, DomainError) and one.why.record is not None]
    if tried or astray:
        record = {
            "action": "configuration.refused",
            "tenants": [asked.tenant.id],
            "by": asked.by,
            "at": asked.at,
            "subject": ("tenant", asked.tenant.id, asked.tenant.name),
            "after": {
                "sections": sorted(astray),
                "permissions": sorted({text for step in tried for text in step.permissions}),
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
