"""The steps of who comes into a group that stays or comes, stays there for another time, or leaves it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from accesscontrol.configuration.comparing import Comparison, in_place
from accesscontrol.configuration.shape import Group, Member
from accesscontrol.configuration.steps import ADD, CHANGE, REMOVE, Step

_ASKED = "Groups:modify"
_BEGINNING = ""  # sorts before every moment


def members(of: Comparison) -> tuple[list[Step], list[Step]]:
    """Those that come or are for another time, and those that only go."""
    old = {one.name.lower(): one for one in of.state.configuration.groups or ()}
    coming: list[Step] = []
    going: list[Step] = []
    for number, one in enumerate(of.wanted.groups or ()):
        pointer = f"/groups/{number}/members"
        standing = old[one.name.lower()].members if one.name.lower() in old else frozenset()
        wanted = frozenset(_resolved(of, one, pointer))
        fresh, gone = _by_user(wanted - standing), _by_user(standing - wanted)
        step = _maker(of, one, pointer)
        for user in sorted({*fresh, *gone}):
            new, former = fresh[user], gone[user]
            both = min(len(new), len(former))
            # Spans of one person in one group never overlap: those that go make room first.
            (coming if new else going).extend(step(was, None) for was in former[both:])
            coming += [step(was, found) for was, found in zip(former, new, strict=False)]
            coming += [step(None, found) for found in new[both:]]
    return coming, going


def _resolved(of: Comparison, group: Group, pointer: str) -> Iterator[Member]:
    for one in sorted(group.members, key=lambda one: (one.user, _by_start(one))):
        user = of.user(one.user, pointer)
        if user is not None and not of.over(one.ends_at):
            yield replace(one, user=user, starts_at=of.ahead(one.starts_at))


def _by_user(found: frozenset[Member]) -> Mapping[str, list[Member]]:
    rows: dict[str, list[Member]] = defaultdict(list)
    for one in sorted(found, key=_by_start):
        rows[one.user].append(one)
    return rows


def _maker(of: Comparison, group: Group, pointer: str) -> Callable[[Member | None, Member | None], Step]:
    """A maker of the steps of one group. ``wanted`` of each: the group's lower name and the member."""
    key = group.name.lower()

    def step(was: Member | None, wanted: Member | None) -> Step:
        act, verb = "member.change", CHANGE
        if was is None or wanted is None:
            act, verb = ("member.add", ADD) if was is None else ("member.remove", REMOVE)
        user = (wanted or was or Member(user="")).user
        shown = [
            replace(group, members=frozenset() if one is None else frozenset({one})) for one in (was, wanted)
        ]
        return in_place("groups", pointer, f"{group.name}: {user}", "")(
            act,
            verb,
            _ASKED,
            was=None if was is None else (key, was),
            wanted=None if wanted is None else (key, wanted),
            needs=frozenset({f"group:{key}"}),
            lines=of.lines(*shown),
        )

    return step


def _by_start(one: Member) -> str:
    return one.starts_at.isoformat() if one.starts_at is not None else _BEGINNING
