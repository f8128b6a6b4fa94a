"""Second factors of a person: added and removed by himself, taken from him by an administrator."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import tenant_scope
from tenants import emails, policies
from tenants.actions import apps, identity_links, passkeys, recovery, sessions, steps
from tenants.actions.identity_links import LastWayIn
from tenants.actions.passkeys import Answer
from tenants.history import record
from tenants.models import AuthenticatorApp, Passkey, RecoveryCode, Tenant, User
from tenants.signals import credential_changed, factors_reset, principal_becoming

MOST = 20  # of one person; more helps nobody
Factor = AuthenticatorApp | Passkey


class LastFactor(DomainError):
    """A role of his asks for a second factor, and this is the only one."""

    code = "last_factor"


class TooManyFactors(DomainError):
    """Nobody carries that many keys."""

    code = "too_many_factors"


class NoFactor(DomainError):
    """There is nothing to take away, or nothing that recovery codes would recover."""

    code = "no_factor"


@dataclass(frozen=True, slots=True)
class Added:
    """A new factor; with the recovery codes of who had none yet, shown this once."""

    factor: Factor
    codes: list[str]


def add_app(*, user: User, sealed: str, code: str, name: str, by: Actor, at: datetime) -> Added:
    """An authenticator app, with its first code."""
    with transaction.atomic():
        held = _held(user)
        app = apps.add(user=held, sealed=sealed, code=code, name=name, at=at)
        return _added(held, app, by, at)


def add_passkey(*, user: User, answer: Answer, bound_to: object, name: str, by: Actor, at: datetime) -> Added:
    """A passkey that the browser has made for the session or step that it is bound to."""
    with transaction.atomic():
        held = _held(user)
        passkey = passkeys.add(user=held, answer=answer, bound_to=bound_to, name=name, at=at)
        return _added(held, passkey, by, at)


def remove(*, user: User, factor_id: UUID, by: Actor, at: datetime) -> None:
    """One of one's own. The last one stays while a role asks for one; recovery codes go with it.

    So does the last way in.
    """
    with transaction.atomic():
        held = _held(user, full=False)
        factor = find(user=held, factor_id=factor_id)
        signs_in = isinstance(factor, Passkey) and factor.discoverable
        factor.delete()
        if signs_in and not identity_links.has_way_in(held):
            raise LastWayIn(_("It is your only way in. Set a password first, or add another passkey."))
        if not steps.has_factor(held):
            if (roles := steps.asking(user=held, at=at)) is not None:
                raise LastFactor(_last(roles))
            RecoveryCode.objects.filter(user=held).delete()
        _record("factor.removed", held, by, at, before=_told(factor, factor_id))
        _tell(held, factor, "delete", by, at)
        text = said("a second factor was removed from your account: %(name)s.", {"name": factor.name})
        emails.tell(user=held, subject=said("A second factor was removed"), text=text)


def rename(*, user: User, factor_id: UUID, name: str, by: Actor, at: datetime) -> Factor:
    """Another name for one of one's own. The same name again changes nothing."""
    with transaction.atomic():
        held = _held(user, full=False)
        factor = find(user=held, factor_id=factor_id)
        if factor.name != name:
            factor.name = name
            factor.full_clean()
            factor.save(update_fields=["name"])
            _record("factor.renamed", held, by, at, after=_told(factor, factor_id))
        return factor


def renew_codes(*, user: User, by: Actor, at: datetime) -> list[str]:
    """Other recovery codes; those before are void."""
    with transaction.atomic():
        held = _held(user, full=False)
        if not steps.has_factor(held):
            raise NoFactor("There is no second factor yet that they could stand in for.")
        emails.tell(
            user=held,
            subject=said("New recovery codes"),
            text=said("new recovery codes were made for your account. Former ones are void."),
        )
        return recovery.make(user=held, by=by, at=at)


def reset(*, tenant: Tenant, user_id: UUID, by: Actor, at: datetime, revision: int | None = None) -> None:
    """Take all of them from somebody who has lost them, and sign him out everywhere.

    His password alone lets him in then, or to set up another where a role asks for it. Who could not send
    him a new password cannot do this either.
    """
    with tenant_scope(tenant.id), transaction.atomic():
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        policies.require_revision(user, revision)
        user.tenant = tenant
        principal_becoming.send(sender=User, actor=by, tenant=tenant, user=user, at=at)
        had = steps.held(user)
        if not had:
            raise NoFactor(said("%(user)s has no second factor.", {"user": user}))
        forget_all(user=user)
        sessions.end_all(user=user, by=by, at=at)
        told = {"apps": had.apps, "passkeys": had.passkeys, "codes": had.codes}
        _record("factor.reset", user, by, at, before=told)
        factors_reset.send(sender=User, tenant=tenant, user=user, by=by, at=at)
        for credential, number in (("app", had.apps), ("passkey", had.passkeys)):
            if number:
                credential_changed.send(
                    sender=User, user=user, credential=credential, change="delete", by=by, at=at
                )
        text = said(
            "%(name)s has removed all second factors from your account. Your password is unchanged.",
            {"name": by.name},
        )
        emails.tell(user=user, subject=said("Your second factors were removed"), text=text)


def forget_all(*, user: User) -> None:
    """Nothing of them stays, as a consequence of what the caller records."""
    for rows in (AuthenticatorApp, Passkey, RecoveryCode):
        rows.objects.filter(user=user).delete()


def find(*, user: User, factor_id: UUID) -> Factor:
    """One of this person; another's is not found."""
    app = AuthenticatorApp.objects.filter(user=user, pk=factor_id).first()
    factor = app or Passkey.objects.filter(user=user, pk=factor_id).first()
    if factor is None:
        raise NotFound
    return factor


def why_last(*, user: User, at: datetime) -> str:
    """Why the only factor cannot be removed; empty where it can, or is not the only one."""
    held = steps.held(user)
    roles = steps.asking(user=user, at=at) if held.apps + held.passkeys == 1 else None
    return "" if roles is None else _last(roles)


def _last(roles: list[str]) -> str:
    if not roles:
        return _(
            "Your organization asks for a second factor, and this is the only one. Add another one first."
        )
    asks = _("Your role %(role)s asks for a second factor, and this is the only one. Add another one first.")
    return asks % {"role": roles[0]}


def _held(user: User, *, full: bool = True) -> User:
    """The person, locked: of two who act at once, each sees what the other did."""
    held = policies.locked_user(tenant=user.tenant, user_id=user.pk)
    held.tenant = user.tenant
    found = steps.held(held)
    if full and found.apps + found.passkeys >= MOST:
        raise TooManyFactors(
            said("There are %(most)s already. Remove one that is not used any more.", {"most": MOST})
        )
    return held


def _added(user: User, factor: Factor, by: Actor, at: datetime) -> Added:
    _record("factor.added", user, by, at, after=_told(factor, factor.pk))
    _tell(user, factor, "create", by, at)
    text = said("a second factor was added to your account: %(name)s.", {"name": factor.name})
    emails.tell(user=user, subject=said("A second factor was added"), text=text)
    had = RecoveryCode.objects.filter(user=user).exists()
    return Added(factor, [] if had else recovery.make(user=user, by=by, at=at))


def _tell(user: User, factor: Factor, change: str, by: Actor, at: datetime) -> None:
    kind = _kind(factor)
    credential_changed.send(sender=User, user=user, credential=kind, change=change, by=by, at=at)


def _kind(factor: Factor) -> str:
    return "app" if isinstance(factor, AuthenticatorApp) else "passkey"


def _told(factor: Factor, factor_id: UUID) -> dict[str, str]:
    """The id is gone from a deleted row. The name is the person's own words: it stays out."""
    return {"factor": str(factor_id), "kind": _kind(factor)}


def _record(
    action: str,
    user: User,
    by: Actor,
    at: datetime,
    *,
    before: dict[str, object] | dict[str, str] | dict[str, int] | None = None,
    after: dict[str, str] | None = None,
) -> None:
    subject = ("user", user.id, str(user))
    tenants = [user.tenant_id]
    record(action=action, tenants=tenants, by=by, at=at, subject=subject, before=before, after=after)
