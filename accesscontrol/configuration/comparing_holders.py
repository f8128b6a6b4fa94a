"""The steps that concern assignments, and all steps in their order."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from accesscontrol.configuration import (
    comparing,
    comparing_mappings,
    comparing_members,
    comparing_shares,
)
from accesscontrol.configuration.comparing import Comparison, in_place, rests
from accesscontrol.configuration.shape import Assignment
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE, Step
from applications.models.applications import PORTAL_ID

_ASKED = "Roles:modify"
_BEGINNING = ""  # sorts before every moment


def steps(of: Comparison) -> list[Step]:
    """Everything that has to be done, in order."""
    offered, ended = comparing_shares.contracts(of)
    replaced, given, taken = assignments(of)
    joining, leaving = comparing_members.members(of)
    losing = [*taken, *leaving]
    return [
        *comparing_shares.applications_coming(of),
        *offered,
        *comparing.groups_coming(of),
        *comparing.roles_coming(of),
        *joining,
        *replaced,
        *given,
        *comparing_mappings.mappings(of),  # asked as of what their groups hold then
        *(step for step in losing if not _own(of, step)),
        *comparing.roles_going(of),
        *comparing.groups_going(of),
        *ended,
        *comparing_shares.applications_going(of),
        *sorted((step for step in losing if _own(of, step)), key=_of_the_portal),
    ]


def _own(of: Comparison, step: Step) -> bool:
    """Whether the actor takes it from himself: done any earlier, he might not be allowed the rest."""
    if step.act == "member.remove":
        return ("user", step.was[1].user) == of.actor
    return (step.was.kind, step.was.principal) == of.actor


def _of_the_portal(step: Step) -> bool:
    return step.act == "member.remove" or step.was.application_id == PORTAL_ID


def assignments(of: Comparison) -> tuple[list[Step], list[Step], list[Step]]:
    """Those whose span becomes another, those that come, those that go."""
    if of.wanted.assignments is None:
        return [], [], []
    wanted = dict(_resolved(of))
    fresh: dict[Any, list[tuple[Assignment, str]]] = defaultdict(list)
    gone: dict[Any, list[Assignment]] = defaultdict(list)
    for one, pointer in wanted.items():
        if one not in of.state.assignments:
            fresh[one.what].append((one, pointer))
    for one in of.state.assignments:
        if one not in wanted:
            gone[one.what].append(one)
    replaced: list[Step] = []
    given: list[Step] = []
    taken: list[Step] = []
    for what in dict.fromkeys([*fresh, *gone]):
        new, old = (
            sorted(fresh[what], key=_by_start),
            sorted(gone[what], key=lambda one: _by_start((one, ""))),
        )
        both = min(len(new), len(old))
        # Spans of one holder and role never overlap: those that go make room first.
        (replaced if new else taken).extend(_taking(of, one) for one in old[both:])
        replaced += [_replacing(of, was, *found) for was, found in zip(old, new, strict=False)]
        given += [_giving(of, *found) for found in new[both:]]
    return replaced, given, taken


def _resolved(of: Comparison) -> Iterator[tuple[Assignment, str]]:
    for number, one in enumerate(of.wanted.assignments or ()):
        pointer = f"/assignments/{number}"
        principal = _principal(of, one, pointer)
        if principal is None or not _is_role(of, one, pointer) or of.over(one.ends_at):
            continue
        named = replace(one, principal=principal, starts_at=of.ahead(one.starts_at))
        placed = named if one.provider is None else _by_contract(of, named, pointer)
        if placed is not None:
            yield placed, pointer


def _principal(of: Comparison, one: Assignment, pointer: str) -> str | None:
    place = f"{pointer}/principal"
    if one.kind == "user":
        return of.user(one.principal, place)
    if one.kind == "group":
        found = of.group(one.principal)
        if found is None:
            of.object(place, "unknown_group", f"There is no group {one.principal}.")
        return found
    return one.principal


def _is_role(of: Comparison, one: Assignment, pointer: str) -> bool:
    """A role of the tenant's making has to be in the document, where the document speaks of them."""
    if one.application_id is not None or of.role(one.role):
        return True
    of.object(f"{pointer}/role", "unknown_role", f"There is no role {one.role} in the document.")
    return False


def _by_contract(of: Comparison, one: Assignment, pointer: str) -> Assignment | None:
    """The one access contract that gives it, named by its provider alone where that is enough."""
    partner = of.state.partners.get((one.provider or "").lower())
    slug = partner.slug if partner is not None else ""
    ways = of.state.received.get((slug, one.application_id or "", one.role), ())
    if not ways or (one.contract_id is not None and one.contract_id not in ways):
        detail = f"No access contract of {one.provider} gives this role."
        of.object(f"{pointer}/provider", "unknown_contract", detail)
        return None
    if one.contract_id is None and len(ways) > 1:
        detail = f"{len(ways)} contracts of {one.provider} give this role: name the contractId."
        of.object(f"{pointer}/provider", "several_contracts", detail)
        return None
    return replace(one, provider=slug, contract_id=one.contract_id if len(ways) > 1 else None)


def _giving(of: Comparison, one: Assignment, pointer: str) -> Step:
    step = in_place("assignments", pointer, _name(of, one), "")
    return step("assignment.give", ADD, _ASKED, wanted=one, needs=_needs(one), lines=of.lines(None, one))


def _replacing(of: Comparison, was: Assignment, one: Assignment, pointer: str) -> Step:
    step = in_place("assignments", pointer, _name(of, one), "")
    shown = of.lines(was, one)
    return step("assignment.replace", CHANGE, _ASKED, was=was, wanted=one, needs=_needs(one), lines=shown)


def _taking(of: Comparison, was: Assignment) -> Step:
    step = in_place("assignments", "/assignments", _name(of, was), "")
    return step("assignment.take", REMOVE, _ASKED, was=was, lines=of.lines(was, None))


def _needs(one: Assignment) -> frozenset[str]:
    found = rests([one.application_id])
    if one.application_id is None:
        found |= {f"role:{one.role}"}
    if one.kind == "group":
        found |= {f"group:{one.principal.lower()}"}
    if one.kind == "application":
        found |= {f"application:{one.principal}"}
    return found


def _name(of: Comparison, one: Assignment) -> str:
    who = of.names.short(one.principal) if one.kind == "application" else one.principal
    role = f"{of.names.short(one.application_id)}/{one.role}" if one.application_id else one.role
    return f"{one.kind} {who}: {role}" + (f" of {one.provider}" if one.provider else "")


def _by_start(found: tuple[Assignment, str]) -> str:
    start = found[0].starts_at
    return start.isoformat() if start is not None else _BEGINNING
