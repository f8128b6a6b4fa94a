"""What an act takes from people and services: their roles on today's facts, and on the changed ones."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accesscontrol import holdings as load
from accesscontrol.decide import (
    Amount,
    CallFacts,
    Ground,
    HeldRole,
    PrincipalFacts,
    RoleBook,
    may_call,
    principal_moments,
    roles_on,
)
from accesscontrol.holdings import Call, Holdings
from accesscontrol.impact_shapes import ours, people_part, services_part
from applications.availability import SharingFacts
from applications.impact import Renamed, moments_of
from applications.impact_scope import Scope
from tenants.impact import Act, Part

# A role over one tenant's data, by whichever ways: what it amounts to, and the URNs that it goes by.
Slot = tuple[str, str, bool]  # role key, whose data, whether it is a role of the tenant's own making
Held = dict[Slot, tuple[Amount, frozenset[str]]]
People = dict[tuple[str, UUID], set[str]]  # (tenant id, user id) → role URNs that are lost or shrink
Services = dict[Call, datetime]  # the call → when it is lost


def look(act: Act, scope: Scope) -> Callable[[], Part]:
    """The first look; the answer takes the second and says who loses what."""
    pairs = scope.with_portal
    before = load.load(pairs, when=act.moment)

    def again() -> Part:
        after = load.load(pairs, when=act.moment)
        people = lost_by_people(before, after, act.moment, act.renamed)
        services = lost_calls(before, after, act.moment, act.renamed)
        shown = {
            **people_part(act, people, applications=pairs),
            **services_part(act, services),
        }
        weighed = [
            sorted([tenant_id, str(user_id), sorted(urns)] for (tenant_id, user_id), urns in people.items()),
            sorted(services),
        ]
        return Part(shown, weighed, harmless=not people and not services, ours=ours(act, people))

    return again


def lost_by_people(before: Holdings, after: Holdings, when: datetime, renamed: Renamed) -> People:
    """Who holds a role at some moment from ``when`` on and then does not, or only with less in it.

    People with the same assignments share an answer: a group of thousands costs one.
    """
    lost: People = defaultdict(set)
    for pair, people in before.people.items():
        known: dict[Any, frozenset[str]] = {}
        was, becomes = seen(before, pair), seen(after, pair)
        moved = _moved(was, becomes)
        for user_id, facts in people.items():
            later = after.people.get(pair, {}).get(user_id)
            if later == facts and moved is not None and not moved & facts.role_keys:
                continue
            key = (_shape(facts, when), _shape(later, when) if later else None)
            if key not in known:
                known[key] = _lost(facts, was, later, becomes, when=when, renamed=renamed)
            if known[key]:
                lost[pair[1], user_id] |= known[key]
    return lost


def lost_calls(before: Holdings, after: Holdings, when: datetime, renamed: Renamed) -> Services:
    """Calls that a service may make at some moment from ``when`` on, and then not, or with fewer roles."""
    found: Services = {}
    for call, facts in before.calls.items():
        later = after.calls.get(call)
        was = _narrow(facts)
        becomes = _narrow(later) if later is not None else None
        if becomes == was:
            continue
        for moment in _call_moments(was, becomes, when):
            held = _anew(_of_call(was, moment), call[1], renamed)
            if _less(held, _of_call(becomes, moment) if becomes is not None else {}):
                found[call] = moment
                break
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """A pair at one look. Between two turns of its facts everybody stands on the same ground."""

    sharing: SharingFacts
    book: RoleBook
    tenant_id: str
    turns: Sequence[datetime]
    grounds: dict[int, Ground] = field(default_factory=dict, compare=False)

    def ground(self, at: datetime) -> Ground:
        place = bisect_right(self.turns, at)
        if place not in self.grounds:
            self.grounds[place] = Ground(self.sharing, self.book, tenant_id=self.tenant_id, at=at)
        return self.grounds[place]

    def held(self, facts: PrincipalFacts, at: datetime) -> Held:
        """What somebody's roles come to at the moment."""
        ground = self.ground(at)
        return _amounts(roles_on(ground, facts, at=at).held, ground)


def seen(holdings: Holdings, pair: tuple[str, str]) -> Seen | None:
    application_id, tenant_id = pair
    if application_id not in holdings.sharing:
        return None
    sharing, book = holdings.sharing[application_id].about(tenant_id), holdings.books[pair]
    return Seen(sharing, book, tenant_id, sorted({*sharing.moments(), *book.moments()}))


def _moved(was: Seen | None, becomes: Seen | None) -> frozenset[str] | None:
    """Keys of the roles that hold something else now, where nothing but roles has moved; else ``None``."""
    if was is None or becomes is None or was.sharing != becomes.sharing:
        return None
    before, after = was.book.roles(), becomes.book.roles()
    return frozenset(slot[1] for slot in before.keys() | after.keys() if before.get(slot) != after.get(slot))


def _lost(
    facts: PrincipalFacts,
    was: Seen | None,
    later: PrincipalFacts | None,
    becomes: Seen | None,
    *,
    when: datetime,
    renamed: Renamed,
) -> frozenset[str]:
    if was is None:
        return frozenset()
    moments = set(moments_of(was.sharing, becomes.sharing if becomes else was.sharing, when=when))
    moments |= {moment for moment in principal_moments(facts) if moment > when}
    found: set[str] = set()
    for moment in moments:
        held = _anew(was.held(facts, moment), was.sharing.application.id, renamed)
        kept = becomes.held(later, moment) if later is not None and becomes is not None else {}
        found |= _less(held, kept)
    return frozenset(found)


def _amounts(roles: Iterable[HeldRole], ground: Ground) -> Held:
    held: Held = {}
    for role in roles:
        slot = (role.key, role.scope_tenant_id, role.relation == "tenant")
        amount, urns = ground.comes_to(role), frozenset((role.urn,))
        if slot in held:  # of thousands of permissions no copy for each who holds them
            known, before = held[slot]
            amount, urns = known | amount, before | urns
        held[slot] = (amount, urns)
    return held


def _anew(held: Held, application_id: str, renamed: Renamed) -> Held:
    """The same under the names that the act gives, of roles and of resources."""
    if not renamed:
        return held
    found: Held = {}
    for (key, scope, made), (amount, urns) in held.items():
        role = (application_id, key)
        slot = (key if made else renamed.get(role, role)[1], scope, made)
        permissions = set()
        for kind, name, privilege in amount.static:  # of an organization's own a manifest names none
            resource = (application_id, kind, name)
            _, new_kind, new_name = renamed.get(resource, resource)
            permissions.add((new_kind, new_name, privilege))
        found[slot] = (Amount(frozenset(permissions), amount.own), urns)
    return found


def _less(held: Held, kept: Held) -> set[str]:
    """The URNs of roles that are gone, or amount to less."""
    return {
        urn
        for slot, (amount, urns) in held.items()
        if slot not in kept or amount.exceeds(kept[slot][0])
        for urn in urns
    }


def _shape(facts: PrincipalFacts, when: datetime) -> Any:
    """What decides from the moment on, without whose it is: what began before then began."""

    def ahead(span: Any) -> Any:
        return (max(span.start, when) if span.start else when, span.end)

    return (
        frozenset(ahead(span) for span in facts.active),
        frozenset((one.id, tuple(ahead(span) for span in one.spans)) for one in facts.assignments),
    )


def _of_call(facts: CallFacts, at: datetime) -> Held:
    call = may_call(facts, at=at)
    return _amounts(call.roles, Ground(facts.target, facts.book, tenant_id=facts.tenant_id, at=at))


def _narrow(facts: CallFacts) -> CallFacts:
    """Without contracts of others: their moments would only cost time."""
    return CallFacts(
        tenant_id=facts.tenant_id,
        home_id=facts.home_id,
        caller=_for(facts.caller, facts),
        target=_for(facts.target, facts),
        book=facts.book,
        local=facts.local,
        at_home=facts.at_home,
    )


def _for(sharing: SharingFacts, facts: CallFacts) -> SharingFacts:
    here, home = sharing.about(facts.tenant_id), sharing.about(facts.home_id)
    contracts = {contract.id: contract for contract in (*here.contracts, *home.contracts)}
    return SharingFacts(sharing.application, {**here.tenants, **home.tenants}, tuple(contracts.values()))


def _call_moments(was: CallFacts, becomes: CallFacts | None, when: datetime) -> list[datetime]:
    found = {when}
    for facts in (was, becomes):
        if facts is not None:
            found |= {*facts.caller.moments(), *facts.target.moments()}
            found |= {*principal_moments(facts.local), *principal_moments(facts.at_home)}
    return sorted(moment for moment in found if moment >= when)


__all__ = ["Seen", "look", "lost_by_people", "lost_calls", "seen"]
