"""By which provider somebody comes: kept through his second factor, and with his session for the way out."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from iam_portal import sealing
from iam_portal.gate import Actor
from tenants import hashers
from tenants.actions.entering import FEDERATED, MULTIPLE, SignedIn, tell_ended
from tenants.models import (
    IdentityProvider,
    ProviderArrival,
    ProviderSession,
    SignInStep,
    User,
    UserSession,
)
from tenants.signals import provider_parted


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider says of somebody; its signature and all else was checked.

    ``methods`` are the provider's words (RFC 8176), ``leaving`` is what signing out there takes: its address
    and the ID token. Whose account it is there is ``subject``, for ever. ``brought_by`` is who showed it
    while he was signed in here: his alone to link.
    """

    provider: IdentityProvider
    subject: str
    claims: Mapping[str, Any] = field(repr=False)
    methods: tuple[str, ...] = ()
    authenticated_at: datetime | None = None
    leaving: Mapping[str, str] = field(default_factory=dict, repr=False)
    brought_by: str = ""

    @property
    def second_factor(self) -> bool:
        """Whether its second factor counts here: by the organization's choice, and where it says so."""
        asked = self.provider.second_factor_acr
        shown = MULTIPLE in self.methods or (bool(asked) and self.claims.get("acr") == asked)
        return self.provider.trusts_second_factor and shown

    @property
    def first_methods(self) -> list[str]:
        """How he signed in, for applications: the word of a provider is no method of ours."""
        return [FEDERATED, MULTIPLE] if self.second_factor else [FEDERATED]


def sealed(vouched: Vouched) -> str:
    """For the minutes until he is in."""
    told = {name: value for name, value in asdict(vouched).items() if name not in ("provider",)}
    told["authenticated_at"] = vouched.authenticated_at.timestamp() if vouched.authenticated_at else None
    return sealing.seal(json.dumps(told))


def unsealed(row: ProviderArrival) -> Vouched:
    """The same again."""
    told = json.loads(sealing.unseal(row.sealed))
    moment = told["authenticated_at"]
    told["authenticated_at"] = None if moment is None else datetime.fromtimestamp(moment, UTC)
    told["methods"] = tuple(told["methods"])
    return Vouched(provider=row.provider, **told)


def of_step(step: SignInStep | None) -> Vouched | None:
    """By which provider whoever stands before his second factor came; None: with his password."""
    rows = ProviderArrival.objects.filter(step=step).select_related("provider") if step else None
    row = rows.first() if rows is not None else None
    return unsealed(row) if row else None


def trusted(provider: IdentityProvider) -> IdentityProvider | None:
    """Still trusted, and locked, before any person, against being switched off while somebody comes in."""
    rows = IdentityProvider.objects.raw(
        "SELECT * FROM tenants_identityprovider WHERE id = %s AND enabled FOR SHARE", [provider.pk]
    )
    return next(iter(rows), None)


def drop_all(provider: IdentityProvider) -> None:
    """Nobody goes on with what was begun by it.

    Steps first: without its arrival, a step would look like one after a password.
    """
    SignInStep.objects.filter(arrival__provider=provider).delete()
    ProviderArrival.objects.filter(provider=provider).delete()


def drop_of(user: User, provider: IdentityProvider) -> None:
    """The same for one person, who is locked."""
    SignInStep.objects.filter(arrival__provider=provider, user=user).delete()


def note(entered: SignedIn, vouched: Vouched, *, proved_here: bool, at: datetime) -> SignedIn:
    """What the session keeps of it. The moment of the sign-in is the provider's, where it says one.

    ``proved_here``: a second factor was asked for here, just now. Without it, an act that wants a recent
    proof asks again: the provider may have let in whoever sat at the browser.
    """
    session = UserSession.objects.get(digest=hashers.digest(entered.token))
    moment = vouched.authenticated_at
    kept = {"reauthenticated_at": moment or session.reauthenticated_at}
    kept["confirmed_at"] = at if proved_here else moment
    UserSession.objects.filter(pk=session.pk).update(**kept)
    leaving = {"tenant_id": session.tenant_id, "provider": vouched.provider}
    leaving["leaving_sealed"] = sealing.seal(json.dumps(dict(vouched.leaving)))
    ProviderSession.objects.update_or_create(session=session, defaults=leaving)
    return entered


def provider_of(session: UserSession) -> UUID | None:
    """By whose word the person of this session came last; None: by his own password or passkey here."""
    if FEDERATED not in session.methods:
        return None
    rows = ProviderSession.objects.filter(session_id=session.pk)
    found: UUID | None = rows.values_list("provider_id", flat=True).first()
    return found


def part(provider: IdentityProvider, *, by: Actor, at: datetime, user: User | None = None) -> None:
    """It vouches no more, for anybody or for this person, who is locked: whom it let in is out.

    So is who stands before his second factor, and what stays signed in at applications by itself.
    """
    if user is None:
        drop_all(provider)
    else:
        drop_of(user, provider)
    came = UserSession.objects.filter(by_provider__provider=provider, ended_at=None)
    rows = came if user is None else came.filter(user=user)
    people = sorted(set(rows.values_list("user_id", flat=True)))
    rows.update(ended_at=at)
    for user_id in people:
        tell_ended(tenant_id=provider.tenant_id, user_id=user_id, by=by, at=at)
    told = {"tenant_id": provider.tenant_id, "provider_id": provider.pk, "user_id": user.pk if user else None}
    provider_parted.send(sender=IdentityProvider, **told, by=by, at=at)


def take_leave(session_id: UUID) -> Mapping[str, str]:
    """What signing out at the provider takes, once; empty where the session began otherwise."""
    row = ProviderSession.objects.filter(session_id=session_id).first()
    if row is None:
        return {}
    found: Mapping[str, str] = json.loads(sealing.unseal(row.leaving_sealed))
    row.delete()
    return found
