"""What a provider's word moves at a sign-in: groups and names, by the mappers of the provider.

Each acts in the name of who made it or changed it last, with what that one holds at this moment: a mapper
never gives more than its maker could. What it may not do it leaves, and history says so; nobody is kept out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction

from iam_portal.errors import DomainError, Kind
from iam_portal.gate import Actor, Permission, require
from tenants.actions import memberships, users
from tenants.actions.groups import locked
from tenants.history import record_refusal
from tenants.models import (
    IdentityMapper,
    IdentityProvider,
    MappedMembership,
    Membership,
    User,
)
from tenants.policies import hold
from tenants.signals import membership_changing, principal_becoming

HOLE = re.compile(r"\{([^{}]{1,200})\}")
NAMING = Permission.parse("Users:modify")  # of the doors that change names
Claims = Mapping[str, Any]
Of = IdentityMapper.Kind


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at a sign-in, and what the provider says of him."""

    provider: IdentityProvider
    user: User
    claims: Claims
    at: datetime


class MapperRefused(DomainError):
    """A mapper did nothing."""

    code = "mapper_refused"
    kind = Kind.FORBIDDEN


def speaker(provider: IdentityProvider) -> Actor:
    """The portal, by the word of this provider."""
    return Actor.system(provider.name)


def apply(*, provider: IdentityProvider, user: User, claims: Claims, first: bool, at: datetime) -> User:
    """All of them, each for itself. The person as he is then.

    Asked in a transaction that holds no lock of the person: groups are locked before people everywhere.
    """
    visit = Visit(provider, user, claims, at)
    rows = provider.mappers.select_related("group")
    acting = [mapper for mapper in rows if first or mapper.when == IdentityMapper.When.EVERY]
    _lock([mapper for mapper in acting if mapper.kind == Of.GROUP], visit)
    for mapper in acting:
        _one(mapper, visit)
    user.refresh_from_db()
    return user


def proven_email(provider: IdentityProvider, claims: Claims) -> str:
    """The address that the provider says is proven: ``true`` itself, no word like it. Empty without one."""
    email = claims.get("email")
    proven = claims.get("email_verified") is True or provider.trusts_email
    return email.strip() if isinstance(email, str) and proven else ""


def filled(template: str, claims: Claims) -> str:
    """The template with the claims in its holes; empty where one of them is missing."""
    values = {name: valued(claims, name) for name in HOLE.findall(template)}
    if not all(map(_plain, values.values())):
        return ""
    return HOLE.sub(lambda hole: str(values[hole[1]]), template).strip()


def valued(claims: Claims, name: str) -> Any:
    """A claim by its name, else by its path: ``realm_access.roles``."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def says(claims: Claims, name: str, value: str) -> bool:
    """Whether the claim is the value, or a list with it. Case counts: some providers' ids differ by it."""
    found = valued(claims, name)
    listed = found if isinstance(found, list) else [found]
    return any(_plain(one) and str(one) == value for one in listed)


def _plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def foreseen(provider: IdentityProvider, claims: Claims) -> dict[str, str]:
    """What the mappers of names make of somebody who is new here."""
    rows = [row for row in provider.mappers.all() if row.kind != Of.GROUP]
    return {row.kind: text for row in rows if (text := filled(row.template, claims))}


def _lock(mappers: Sequence[IdentityMapper], visit: Visit) -> None:
    """What they will lock, in the order of everybody else: the organization, groups by id, then the person.

    A membership is taken away under the lock of its organization; one by one, they would ask for that after a
    group.
    """
    silent = {one.pk for one in mappers if not says(visit.claims, one.claim, one.value)}
    living = Membership.objects.not_over(visit.at).filter(
        user=visit.user, group__in=[one.group for one in mappers]
    )
    made = list(living.values_list("group_id", "mapped__mapper_id")) if mappers else []
    leaving: set[UUID] = {group_id for group_id, mapper_id in made if mapper_id in silent}
    asked = {one.group_id for one in mappers if one.group_id is not None and one.pk not in silent}
    coming = asked - {group_id for group_id, _mapper in made}
    if leaving:
        hold(visit.user.tenant)
    rows = visit.user.tenant.groups.filter(id__in=coming | leaving).select_for_update(no_key=True)
    list(rows.order_by("id").values_list("id"))


def _one(mapper: IdentityMapper, visit: Visit) -> None:
    try:
        with transaction.atomic():
            if mapper.kind == Of.GROUP:
                _group(mapper, visit)
            else:
                _name(mapper, visit)
    except (DomainError, ValidationError) as refusal:
        _refused(mapper, visit, refusal)


def _group(mapper: IdentityMapper, visit: Visit) -> None:
    """In by the claim; out without it, but only of what this mapper made."""
    assert mapper.group is not None
    user, tenant, at = visit.user, visit.user.tenant, visit.at
    living = Membership.objects.not_over(at).filter(group=mapper.group, user=user)
    pair: dict[str, Any] = {"group_id": mapper.group.pk, "user_id": user.pk}
    by = speaker(visit.provider)
    if not says(visit.claims, mapper.claim, mapper.value):
        own = living.filter(mapped__mapper=mapper).first()
        if own is not None:
            memberships.remove(tenant=tenant, **pair, by=by, at=at, starts_at=own.during.lower)
        return
    if living.exists():
        return
    group = locked(tenant=tenant, group_ids=[mapper.group.pk], at=at)[mapper.group.pk]
    asked: dict[str, Any] = {"tenant": tenant, "users": [user], "group": group, "parent": None, "at": at}
    membership_changing.send(sender=Membership, actor=_maker(mapper), **asked)
    if not _stays(mapper):
        raise MapperRefused("The mapper was taken away meanwhile.")
    membership = memberships.add(tenant=tenant, **pair, by=by, at=at)
    MappedMembership.objects.create(membership=membership, tenant_id=user.tenant_id, mapper=mapper)


def _stays(mapper: IdentityMapper) -> bool:
    """Nobody takes it away before the end of the sign-in: held as the row that names it will hold it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM tenants_identitymapper WHERE id = %s FOR KEY SHARE", [mapper.pk])
        return cursor.fetchone() is not None


def _name(mapper: IdentityMapper, visit: Visit) -> None:
    """Another name. An address only where it is proven, and never past what the mapper's maker could do."""
    user, at = visit.user, visit.at
    wanted = filled(mapper.template, visit.claims)
    if not wanted or wanted == getattr(user, mapper.kind):
        return
    maker = _maker(mapper)
    require(actor=maker, tenant_id=user.tenant_id, permission=NAMING, at=at)
    if mapper.kind == Of.EMAIL:
        if wanted != proven_email(visit.provider, visit.claims):
            raise MapperRefused("The provider does not say that this address is proven.")
        # Links that set a password go there.
        principal_becoming.send(sender=User, actor=maker, tenant=user.tenant, user=user, at=at)
    changed: dict[str, Any] = {mapper.kind: wanted}
    users.change(tenant=user.tenant, user_id=user.pk, by=speaker(visit.provider), at=at, **changed)
    if mapper.kind == Of.EMAIL:
        User.objects.filter(pk=user.pk).update(email_proven_at=at)


def _maker(mapper: IdentityMapper) -> Actor:
    """Who made it or changed it last, with what he holds now; who is gone or inactive holds nothing."""
    return Actor(mapper.maker_kind, mapper.maker_id, "", mapper.tenant_id)


def _refused(mapper: IdentityMapper, visit: Visit, refusal: DomainError | ValidationError) -> None:
    code = refusal.code if isinstance(refusal, DomainError) else "invalid"
    told = MapperRefused("")
    told.record = {
        "action": "mapper.refused",
        "tenants": [mapper.tenant_id],
        "by": speaker(visit.provider),
        "at": visit.at,
        "subject": ("user", visit.user.pk, str(visit.user)),
        "after": {"mapper": str(mapper.id), "kind": mapper.kind, "because": code},
    }
    record_refusal(told)
