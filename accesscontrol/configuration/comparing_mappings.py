"""The steps that concern the mappings of identity providers."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from accesscontrol.configuration.comparing import Comparison, in_place
from accesscontrol.configuration.shape import ProviderMapping
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE, Step
from iam_portal.sentences import said

LEAVING = "! who is in the group by it, and has not this claim, leaves at the next sign-in"
Standing = tuple[ProviderMapping, UUID]
Wanted = tuple[ProviderMapping, str]  # and its place


def _rule(one: ProviderMapping) -> tuple[Any, ...]:
    return one.provider, one.kind, one.group, one.claim, one.value, one.template


def _target(one: ProviderMapping) -> tuple[Any, ...]:
    return one.provider, one.kind, one.group


def mappings(of: Comparison) -> list[Step]:
    """Those that go, become others, and come: so a provider that is full has room.

    One that sets the same becomes another, the likest first: it still takes out whom it put in. Into another
    group it would forget them: so that is another one.
    """
    if of.wanted.mappings is None:
        return []
    wanted = dict(_resolved(of))
    standing = {one for one, _ in of.state.mappings}
    fresh = [found for found in wanted.items() if found[0] not in standing]
    gone = [found for found in of.state.mappings if found[0] not in wanted]
    changed: list[tuple[Standing, Wanted]] = []
    for alike in (_rule, _target):
        pairs = _pairs(gone, fresh, alike)
        old, new = ({pair[side] for pair in pairs} for side in (0, 1))
        gone = [found for found in gone if found not in old]
        fresh = [found for found in fresh if found not in new]
        changed += pairs
    return [
        *(_step(of, was, None) for was in gone),
        *(_step(of, was, one) for was, one in changed),
        *(_step(of, None, one) for one in fresh),
    ]


def _resolved(of: Comparison) -> Iterator[Wanted]:
    """With its group as it is written where it stands: another spelling is another name of the group."""
    for number, one in enumerate(of.wanted.mappings or ()):
        pointer, sound = f"/mappings/{number}", True
        if one.provider not in of.state.providers:
            named = {"name": one.provider}
            detail = said("There is no identity provider %(name)s. None is made by a document.", named)
            of.object(f"{pointer}/provider", "unknown_provider", detail)
            sound = False
        if one.group is not None and of.group(one.group) is None:
            of.object(
                f"{pointer}/group", "unknown_group", said("There is no group %(name)s.", {"name": one.group})
            )
            sound = False
        if sound:
            name = one.group and of.state.groups.get(one.group.lower(), one.group)
            yield replace(one, group=name), pointer


def _pairs(
    gone: list[Standing], fresh: list[Wanted], alike: Callable[[ProviderMapping], Any]
) -> list[tuple[Standing, Wanted]]:
    """Those that are alike, in their order."""
    waiting: dict[Any, deque[Standing]] = defaultdict(deque)
    for was in gone:
        waiting[alike(was[0])].append(was)
    return [(waiting[alike(one[0])].popleft(), one) for one in fresh if waiting[alike(one[0])]]


def _step(of: Comparison, was: Standing | None, wanted: Wanted | None) -> Step:
    old, new = (None if found is None else found[0] for found in (was, wanted))
    act, verb, permission = "mapping.change", CHANGE, "GroupMappers:modify"
    if old is None or new is None:
        act, verb, permission = (
            ("mapping.create", ADD, "GroupMappers:add")
            if old is None
            else ("mapping.delete", REMOVE, "GroupMappers:delete")
        )
    pointer = "/mappings" if wanted is None else wanted[1]
    shown = old or new
    step = in_place("mappings", pointer, _name(shown) if shown is not None else "", "")
    group = new.group if new is not None else None
    return step(
        act,
        verb,
        permission,
        was=was,
        wanted=new,
        needs=frozenset({f"group:{group.lower()}"} if group else ()),
        lines=of.lines(old, new) + (LEAVING,) * _puts_out(of, was, new),
    )


def _puts_out(of: Comparison, was: Standing | None, new: ProviderMapping | None) -> bool:
    """Nobody loses anything at once: at his next sign-in the claim is asked for that counts then."""
    if was is None or new is None or was[1] not in of.state.moving:
        return False
    return (was[0].claim, was[0].value) != (new.claim, new.value)


def _name(one: ProviderMapping) -> str:
    if one.group is not None:
        return f"{one.provider}: {one.claim} = {one.value} → {one.group}"
    return f"{one.provider}: {one.template} → {one.kind}"
