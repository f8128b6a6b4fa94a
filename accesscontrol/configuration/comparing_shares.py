"""The steps that concern applications and contracts."""

from collections.abc import Iterator
from dataclasses import replace

from accesscontrol.configuration import shape
from accesscontrol.configuration.comparing import Comparison, in_place, rests
from accesscontrol.configuration.shape import Application, Contract
from accesscontrol.configuration.state import Provided
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE, Step, lines
from accesscontrol.configuration.superseded import waiting
from applications.policies import RESOURCES

Wanted = tuple[str, Contract]  # its place in the document


def applications_coming(of: Comparison) -> Iterator[Step]:
    """Applications to register or to describe otherwise, and what they declare."""
    old = {one.id: one for one in of.state.configuration.applications or ()}
    for number, one in enumerate(of.wanted.applications or ()):
        was, pointer, name = old.get(one.id), f"/applications/{number}", of.names.short(one.id)
        step = in_place("applications", pointer, name, f"application:{one.id}")
        bare = replace(one, manifest=None)
        if was is None:
            shown = of.lines(None, bare)
            yield step("application.register", ADD, "Modules:add", wanted=one, lines=shown)
        elif replace(was, manifest=None) != bare:
            shown = of.lines(replace(was, manifest=None), bare)
            yield step("application.change", CHANGE, "Modules:modify", wanted=one, lines=shown)
        yield from _declaring(of, was, one, pointer)


def _declaring(of: Comparison, was: Application | None, one: Application, pointer: str) -> Iterator[Step]:
    if one.manifest is None:
        return
    now = was.manifest if was is not None else None
    wanted = waiting(one.manifest, now)
    before = shape.manifest(now, of.names) if now is not None else {}
    after = shape.manifest(wanted, of.names)
    if before == after or not (before or any(after.values())):
        return
    name = f"{of.names.short(one.id)} manifest"
    step = in_place("applications", f"{pointer}/manifest", name, f"manifest:{one.id}")
    yield step(
        "manifest.declare",
        CHANGE if was is not None else ADD,
        "Modules:modify",
        wanted=one,
        needs=frozenset({f"application:{one.id}"}),
        lines=lines(before, after),
        parts=len(wanted.resources) + sum(len(role.permissions) for role in wanted.roles.values()),
    )


def applications_going(of: Comparison) -> Iterator[Step]:
    """Retiring cannot be taken back: ids are never freed."""
    if of.wanted.applications is None:
        return
    kept = {one.id for one in of.wanted.applications}
    for was in sorted(of.state.configuration.applications or (), key=lambda one: one.id):
        if was.id not in kept:
            step = in_place("applications", "/applications", of.names.short(was.id), "")
            shown = of.lines(replace(was, manifest=None), None)
            yield step("application.retire", REMOVE, "Modules:delete", wanted=was.id, lines=shown, final=True)


def contracts(of: Comparison) -> tuple[list[Step], list[Step]]:
    """Those that come or change, and those that go."""
    if of.wanted.contracts is None:
        return [], []
    pairs, fresh, gone = _paired(list(_resolved(of)), list(of.state.provided))
    coming = [step for pointer, one, was in pairs for step in _changing(of, pointer, one, was)]
    coming += [_offering(of, pointer, one) for pointer, one in fresh]
    return coming, [_ending(of, was) for was in gone]


def _resolved(of: Comparison) -> Iterator[Wanted]:
    """With the partner's slug, and as of now."""
    for number, one in enumerate(of.wanted.contracts or ()):
        pointer, partner = f"/contracts/{number}", of.state.partners.get(one.consumer.lower())
        if one.type not in of.types:
            detail = f"This needs the permission {RESOURCES[one.type]}:read."
            of.object(pointer, "forbidden", detail)
        elif partner is None:
            # Unknown and not a partner are one answer: names of strangers are not confirmed.
            detail = f"{one.consumer} is not a partner. Invite it first."
            of.object(f"{pointer}/consumer", "not_a_partner", detail)
        elif not of.over(one.ends_at):
            yield pointer, replace(one, consumer=partner.slug, starts_at=of.ahead(one.starts_at))


def _paired(
    wanted: list[Wanted], standing: list[Provided]
) -> tuple[list[tuple[str, Contract, Provided]], list[Wanted], list[Provided]]:
    """Equal ones first; then, with the same partner and of the same type, those that share most roles."""
    rest: list[Wanted] = []
    for pointer, one in wanted:
        same = next((was for was in standing if was.contract == one), None)
        if same is None:
            rest.append((pointer, one))
        else:
            standing.remove(same)
    pairs, fresh = [], []
    for pointer, one in rest:
        alike = [
            was for was in standing if (was.contract.consumer, was.contract.type) == (one.consumer, one.type)
        ]
        if alike:
            was = max(alike, key=lambda other: len(other.contract.roles & one.roles))
            standing.remove(was)
            pairs.append((pointer, one, was))
        else:
            fresh.append((pointer, one))
    return pairs, fresh, standing


def _offering(of: Comparison, pointer: str, one: Contract) -> Step:
    resource = RESOURCES[one.type]
    return in_place("contracts", pointer, _name(one), "")(
        "contract.offer",
        ADD,
        f"{resource}:add",
        f"{resource}:execute",
        wanted=one,
        needs=rests(app for app, _ in one.roles),
        lines=of.lines(None, one),
    )


def _changing(of: Comparison, pointer: str, one: Contract, was: Provided) -> Iterator[Step]:
    """What is not answered yet is offered anew. What is agreed is amended, as far as it can be."""
    resource = RESOURCES[one.type]
    step = in_place("contracts", pointer, _name(one), "")
    needs, shown = rests(app for app, _ in one.roles), of.lines(was.contract, one)
    if not was.agreed:
        asked = (f"{resource}:add", f"{resource}:execute")
        yield step("contract.replace", CHANGE, *asked, was=was, wanted=one, needs=needs, lines=shown)
        return
    for key, attribute in (("startsAt", "starts_at"), ("onwardAccess", "onward_access"), ("note", "note")):
        if getattr(was.contract, attribute) != getattr(one, attribute):
            detail = "Both sides agreed on this. Leave it as it is, or end the contract and offer another."
            of.object(f"{pointer}/{key}", "contract_agreed", detail)
    if (was.contract.roles, was.contract.ends_at) != (one.roles, one.ends_at):
        yield step(
            "contract.amend", CHANGE, f"{resource}:execute", was=was, wanted=one, needs=needs, lines=shown
        )


def _ending(of: Comparison, was: Provided) -> Step:
    step = in_place("contracts", "/contracts", _name(was.contract), "")
    permission, shown = f"{RESOURCES[was.contract.type]}:execute", of.lines(was.contract, None)
    return step("contract.end", REMOVE, permission, was=was, lines=shown, final=True)


def _name(one: Contract) -> str:
    return f"{one.type} to {one.consumer}"
