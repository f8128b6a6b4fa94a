"""What a service may get: one decision for the token, for introspection and for our own doors.

Pure functions over :class:`CallFacts`, and the two loaders in front of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists

from accesscontrol import at_the_door
from accesscontrol import facts as load
from accesscontrol import reasons as say
from accesscontrol.at_the_door import Door
from accesscontrol.decide import Call, CallFacts, HeldRole, call_until, may_call
from accesscontrol.models import RevokedToken
from accesscontrol.oauth.claims import ACTOR, narrowed_roles, seconds
from accesscontrol.oauth.refusals import NOT_AVAILABLE, TEXTS, Disclosure
from accesscontrol.oauth.scopes import Target
from applications.availability import SharingFacts, available
from applications.models import Application, ServiceAccount
from applications.models.applications import PORTAL_ID
from applications.reasons import no_contract
from iam_portal.decision import Decision, Reason
from iam_portal.walls import tenant_scope

SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Ruling:
    """One target and its answer; ``until`` is when the call, or a role of it, falls by plan.

    ``facts`` are missing for an application that does not exist.
    """

    target: Target
    call: Call
    until: datetime
    facts: CallFacts | None
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A token's bearer, still allowed."""

    account: ServiceAccount
    call: Call


def facts_for(
    caller: Application, targets: Sequence[Target], *, tenant_id: UUID
) -> tuple[Sequence[Target], Mapping[str, CallFacts]]:
    """Facts of the named targets; with none named, of all that the caller may call, but the portal."""
    if not targets:
        ids = load.callable_targets(caller=caller, tenant_id=tenant_id)
        targets = [Target(one) for one in ids if one not in (PORTAL_ID, caller.id)]
    known = [target.application_id for target in targets if target.application_id]
    return targets, load.calls(caller=caller, target_ids=known, tenant_id=tenant_id) if known else {}


def standing(claims: Mapping[str, Any], *, target_id: str, at: datetime) -> Standing | None:
    """The service behind a token, if it may call the target now (with the roles it may use now).

    Only a service token's ``sub`` is the account of its ``client_id``, and only a user's token has a ``sid``:
    that one never passes here (:mod:`accesscontrol.oauth.people`), nor one that was exchanged
    (:mod:`accesscontrol.oauth.delegation`). Nor does one that was revoked.
    """
    found = grounds(claims, target_id=target_id)
    return None if found is None else judged(*found, claims, target_id=target_id, at=at)


def grounds(claims: Mapping[str, Any], *, target_id: str) -> tuple[ServiceAccount, CallFacts] | None:
    """The service of a living token, and the facts that decide of its call."""
    if "sid" in claims or ACTOR in claims:
        return None
    with tenant_scope(claims["tid"]):
        account = _account(claims)
        if account is None:
            return None
        facts = load.calls(caller=account.application, target_ids=[target_id], tenant_id=account.tenant_id)
    return (account, facts[target_id]) if target_id in facts else None


def standing_here(claims: Mapping[str, Any], *, at: datetime) -> tuple[Standing, Door | None] | None:
    """The same for the portal as the target, and what its doors ask next: read together for a tenant's own.

    That one's own application is available there by no contract. For another's all of them are looked at.
    """
    if "sid" in claims or ACTOR in claims:
        return None
    with tenant_scope(claims["tid"]):
        account = _account(claims)
        if account is None:
            return None
        door = None
        if account.application.owner_id == account.tenant_id:
            door = at_the_door.facts(load.Principal(account.tenant_id, application_id=account.application_id))
            facts = _own_call(door)
        else:
            found = load.calls(
                caller=account.application, target_ids=[PORTAL_ID], tenant_id=account.tenant_id
            )
            facts = found.get(PORTAL_ID)
    here = facts and judged(account, facts, claims, target_id=PORTAL_ID, at=at)
    return (here, door) if here else None


def _own_call(door: Door | None) -> CallFacts | None:
    """Of the portal, by an application where its owner is."""
    if door is None or door.caller is None:
        return None
    here, held = door.principal.tenant_id, door.principal
    return CallFacts(here, here, door.caller, door.sharing, door.book, held, held)


def _account(claims: Mapping[str, Any]) -> ServiceAccount | None:
    """Of the token's service, unless the token was revoked."""
    living = ServiceAccount.objects.filter(
        ~Exists(RevokedToken.objects.of(claims)),
        id=claims["sub"],
        application_id=claims["client_id"],
        tenant_id=claims["tid"],
    )
    return living.select_related("application").first()


def judged(
    account: ServiceAccount, facts: CallFacts, claims: Mapping[str, Any], *, target_id: str, at: datetime
) -> Standing | None:
    """What the facts say of the token at the moment."""
    call = may_call(facts, at=at)
    if call and (keys := narrowed_roles(claims, target_id)):
        call = replace(call, roles=_only(call.roles, keys))
    return Standing(account, call) if call and call.roles else None


def rule(
    targets: Iterable[Target], facts: Mapping[str, CallFacts], *, at: datetime, limit: datetime
) -> list[Ruling]:
    """Decide every target. A call that falls within a second is answered as it will be then."""
    found = []
    for target in targets:
        known = facts.get(target.application_id)
        if known is None:
            call, until = Call(Decision.no()), limit
        else:
            call, until = _lasting(known, _narrowed(known, target, at), at=at, limit=limit)
        found.append(Ruling(target, call, until, known, () if call else _failing(target, known, at)))
    return found


def may_know(facts: CallFacts | None, *, tenant_id: str, home_id: str) -> bool:
    """Whether the caller may hear why: the tenant or the target's owner owns it, or it has or had an
    assignment for the target there (in the tenant, or at home by an access contract of the tenant)."""
    if tenant_id == home_id:
        return True
    if facts is None:
        return False
    if facts.target.application.owner_id == home_id or facts.local.assignments:
        return True
    theirs = {contract.id for contract in facts.target.contracts if contract.provider_id == tenant_id}
    return any(assignment.contract_id in theirs for assignment in facts.at_home.assignments)


def disclosure(refused: Sequence[Ruling], *, tenant_id: str, home_id: str, at: datetime) -> Disclosure | None:
    """What may be told of these refusals; nothing unless the caller may know of each."""
    known = [may_know(ruling.facts, tenant_id=tenant_id, home_id=home_id) for ruling in refused]
    if not all(known) or (not known and tenant_id != home_id):
        return None
    kinds = [_kind(ruling) for ruling in refused]
    reason = next((kind for kind in TEXTS if kind in kinds), "no_role_held")
    reasons = [each for ruling in refused for each in _reasons(ruling, tenant_id, home_id)]
    missing = [_missing(ruling, kind) for ruling, kind in zip(refused, kinds, strict=True) if kind == reason]
    return Disclosure(reason, tuple(dict.fromkeys(reasons)), _opens(missing, tenant_id, at))


def _narrowed(facts: CallFacts, target: Target, at: datetime) -> Call:
    """The call, with the roles asked for only; refused when one of them is not held."""
    call = may_call(facts, at=at)
    if not call or not target.roles:
        return call
    roles = _only(call.roles, target.roles)
    if target.roles - {role.key for role in roles}:
        return Call(_no_such_role(facts))
    return Call(call.decision, roles)


def _only(roles: Iterable[HeldRole], keys: frozenset[str]) -> tuple[HeldRole, ...]:
    return tuple(role for role in roles if role.key in keys and role.relation != "tenant")


def _no_such_role(facts: CallFacts) -> Decision:
    caller, target = facts.caller.application, facts.target.application
    tenant = facts.target.name(facts.tenant_id)
    return Decision.no(say.no_role_held(caller.name, caller.id, target.name, target.id, tenant))


def _lasting(facts: CallFacts, call: Call, *, at: datetime, limit: datetime) -> tuple[Call, datetime]:
    """The part of the call that holds for a second at least, and until when.

    A token of which nothing is left when it arrives helps nobody: at the edge, the answer is the next one.
    """
    if not call:
        return call, limit
    until = call_until(facts, call, at=at, limit=limit)
    while seconds(until) - at.timestamp() < SHORTEST.total_seconds():
        later = may_call(facts, at=until)
        kept = tuple(role for role in call.roles if role.urn in later.urns())
        if not kept:
            return Call(_no_such_role(facts) if later else later.decision), limit
        call = Call(call.decision, kept)
        until = call_until(facts, call, at=at, limit=limit)
    return call, until


def _failing(target: Target, facts: CallFacts | None, at: datetime) -> tuple[str, ...]:
    """The words to echo: those of the roles alone when the target itself may be called."""
    if facts is None or not target.roles:
        return target.named
    call = may_call(facts, at=at)
    if not call:
        return target.named
    held = {role.key for role in _only(call.roles, target.roles)}
    missing = {f"{target.application_id}/{key}" for key in target.roles - held}
    return tuple(word for word in target.named if word in missing) or target.named


def _kind(ruling: Ruling) -> str:
    code = ruling.call.decision.code
    return code if code in TEXTS else NOT_AVAILABLE


def _reasons(ruling: Ruling, tenant_id: str, home_id: str) -> tuple[Reason, ...]:
    """The chain; for an application that nothing ever connected with the tenant, what an unknown one gets.

    Otherwise a made-up scope would tell names and states of strangers' applications.
    """
    facts, decision = ruling.facts, ruling.call.decision
    if facts is not None and (_kind(ruling) != NOT_AVAILABLE or _connected(facts, home_id)):
        return decision.reasons
    name = ruling.target.application_id
    return (no_contract(name, name, "this organization", tenant_id),) if name else ()


def _connected(facts: CallFacts, home_id: str) -> bool:
    owner_id = facts.target.application.owner_id
    shared = any(contract.consumer_id == facts.tenant_id for contract in facts.target.contracts)
    return shared or owner_id in (facts.tenant_id, home_id) or facts.target.application.builtin


def _missing(ruling: Ruling, kind: str) -> SharingFacts | None:
    """Whose availability would help."""
    if ruling.facts is None or kind not in (NOT_AVAILABLE, "caller_not_available"):
        return None
    return ruling.facts.target if kind == NOT_AVAILABLE else ruling.facts.caller


def _opens(missing: Sequence[SharingFacts | None], tenant_id: str, at: datetime) -> datetime | None:
    """The next planned moment at which all of them are available there as owned or by provision."""
    wanted = [facts for facts in missing if facts is not None]
    if not wanted or len(wanted) < len(missing):
        return None
    moments = sorted({moment for facts in wanted for moment in facts.moments() if moment > at})
    return next((each for each in moments if all(_usable(facts, tenant_id, each) for facts in wanted)), None)


def _usable(facts: SharingFacts, tenant_id: str, at: datetime) -> bool:
    answer = available(facts, tenant_id=tenant_id, at=at)
    return any(way.relation != "access" for way in answer.holding)
