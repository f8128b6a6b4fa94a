"""People of a tenant: inviting, changing, deactivating, their passwords."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import tenant_scope
from tenants import emails, passwords, policies
from tenants.actions import links, sessions
from tenants.history import record
from tenants.impact import foreseen_user
from tenants.models import Tenant, User, UserActivity, since
from tenants.signals import password_set, principal_becoming, user_deactivated, user_reactivated


class UserInactive(DomainError):
    """The act needs an active user."""

    code = "user_inactive"


class UserActive(DomainError):
    """There is nothing to reactivate."""

    code = "user_active"


class UserJoined(DomainError):
    """Nobody is invited who has set a password."""

    code = "user_joined"


def invite(*, tenant: Tenant, username: str, email: str, display_name: str, by: Actor, at: datetime) -> User:
    """A user without password; the link that sets one goes to his mailbox and nowhere else."""
    with transaction.atomic():
        user = _new(tenant, username, email, display_name, at)
        user.set_unusable_password()
        _create(user, "user.invited", by=by, at=at)
        links.issue(tenant=tenant, user=user, at=at)
    return user


def make(*, tenant: Tenant, username: str, email: str, display_name: str, by: Actor, at: datetime) -> User:
    """A user without password and without a link that sets one."""
    with transaction.atomic():
        user = _new(tenant, username, email, display_name, at)
        user.set_unusable_password()
        _create(user, "user.created", by=by, at=at)
    return user


def create_with_password(
    *,
    tenant: Tenant,
    username: str,
    email: str,
    display_name: str,
    password: str,
    by: Actor,
    at: datetime,
) -> User:
    """A user who can sign in at once: the first administrator, and demo data."""
    with transaction.atomic():
        user = _new(tenant, username, email, display_name, at)
        passwords.give(user, password)
        _create(user, "user.created", by=by, at=at)
    return user


def admit(*, tenant: Tenant, username: str, email: str, display_name: str, by: Actor, at: datetime) -> User:
    """A user for whom an identity provider vouches, his address included: without a password here."""
    with transaction.atomic():
        user = _new(tenant, username, email, display_name, at)
        user.email_proven_at = at
        user.set_unusable_password()
        _create(user, "user.created", by=by, at=at)
    return user


def accept(
    *, tenant: Tenant, token: str, password: str, at: datetime, source_address: str = "", request_id: str = ""
) -> User:
    """Set the password by the link from the mailbox. The link is used up; other links end.

    So do all sessions, and with them whatever somebody who knew the former password has left signed in.
    """
    with tenant_scope(tenant.id), transaction.atomic():
        link = links.take(tenant=tenant, token=token, at=at)
        user = link.user
        passwords.give(user, password)
        user.email_proven_at = at  # links to a former mailbox were voided when it changed
        user.save(update_fields=["password", "email_proven_at"])
        links.void(user=user, at=at)
        by = Actor("user", str(user.id), str(user), tenant.id, request_id, source_address)
        sessions.end_all(user=user, by=by, at=at)
        _record("user.password_set", user, by, at, after={"by": link.purpose})
        if link.purpose == links.Purpose.RESET:
            emails.tell_password_changed(user=user, at=at)
        password_set.send(sender=User, tenant=tenant, user=user, by=by, at=at)
    return user


def change(
    *,
    tenant: Tenant,
    user_id: UUID,
    by: Actor,
    at: datetime,
    username: str | None = None,
    email: str | None = None,
    display_name: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    revision: int | None = None,
) -> User:
    """Change what is given. Another mailbox voids the links that went to the former one."""
    given = {"username": username, "email": email, "display_name": display_name}
    given |= {"language": language, "time_zone": time_zone}
    with transaction.atomic():
        policies.hold(tenant)
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        policies.require_revision(user, revision)
        wanted = {name: value.strip() for name, value in given.items() if value is not None}
        fields = [name for name, value in wanted.items() if value != getattr(user, name)]
        if not fields:
            return user
        proved = user.email if "email" in fields and user.email_proven_at else ""  # else maybe a stranger's
        if "email" in fields:
            principal_becoming.send(sender=User, actor=by, tenant=tenant, user=user, at=at)
            links.void(user=user, at=at)
            user.email_proven_at = None
        for name in fields:
            setattr(user, name, wanted[name])
        before = {"revision": f"r-{user.revision}"}
        _save(user)
        after = {"fields": fields, "revision": f"r-{user.revision}"}
        _record("user.changed", user, by, at, before=before, after=after)
        if proved and proved.lower() != user.email.lower():
            user.tenant = tenant
            emails.tell_address_changed(user=user, former=proved)
    return user


def deactivate(
    *, tenant: Tenant, user_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> User:
    """From now on he cannot sign in and holds nothing; memberships and assignments stay for a return."""
    foreseen = foreseen_user("deactivate", user_id)
    # Two who deactivate each other would each leave the other as administrator.
    with transaction.atomic(), policies.guarded(tenant=tenant, at=at, foreseen=foreseen):
        user = foreseen or policies.locked_user(tenant=tenant, user_id=user_id)
        policies.require_revision(user, revision)
        lives = UserActivity.objects.filter(user=user)
        if not (lives.not_over(at).exists() if foreseen else lives.close(at)):
            raise UserInactive(said("%(user)s is inactive already.", {"user": user}))
        if foreseen:
            return user  # of what follows nothing refuses, and no look sees it
        sessions.end_all(user=user, by=by, at=at)
        links.void(user=user, at=at)
        _note_change(user)
        _record("user.deactivated", user, by, at, before={"active": True}, after={"active": False})
        user_deactivated.send(sender=User, tenant=tenant, user=user, by=by, at=at)
    return user


def reactivate(
    *, tenant: Tenant, user_id: UUID, by: Actor, at: datetime, revision: int | None = None
) -> User:
    """He may sign in again, with what he still has: that is given anew, so the actor must be able to."""
    with transaction.atomic():
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        policies.require_revision(user, revision)
        if UserActivity.objects.not_over(at).filter(user=user).exists():
            raise UserActive(said("%(user)s is active.", {"user": user}))
        principal_becoming.send(sender=User, actor=by, tenant=tenant, user=user, at=at)  # still inactive
        _activate(user, at)
        _note_change(user)
        _record("user.reactivated", user, by, at, before={"active": False}, after={"active": True})
        user_reactivated.send(sender=User, tenant=tenant, user=user, by=by, at=at)
    return user


def invite_again(*, tenant: Tenant, user_id: UUID, by: Actor, at: datetime) -> None:
    """Send a new link to whom never set a password."""
    with transaction.atomic():
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        if user.has_usable_password():
            raise UserJoined(said("%(user)s has set a password already.", {"user": user}))
        reset(tenant=tenant, user_id=user_id, by=by, at=at)


def reset(*, tenant: Tenant, user_id: UUID, by: Actor, at: datetime) -> None:
    """Send him a link that sets a new password. The present one works until the link is used."""
    with transaction.atomic():
        user = policies.locked_user(tenant=tenant, user_id=user_id)
        if not policies.is_active(user=user, at=at):
            raise UserInactive(said("%(user)s is inactive.", {"user": user}))
        principal_becoming.send(sender=User, actor=by, tenant=tenant, user=user, at=at)
        link = links.issue(tenant=tenant, user=user, at=at)
        _record("user.link_sent", user, by, at, after={"purpose": link.purpose})


def _new(tenant: Tenant, username: str, email: str, display_name: str, at: datetime) -> User:
    return User(
        tenant=tenant,
        username=username.strip(),
        email=email.strip(),
        display_name=display_name.strip(),
        created_at=at,
    )


def _create(user: User, action: str, *, by: Actor, at: datetime) -> None:
    policies.hold(user.tenant)
    user.full_clean()
    user.save(force_insert=True)
    _activate(user, at)
    principal_becoming.send(sender=User, actor=by, tenant=user.tenant, user=user, at=at)
    _record(action, user, by, at, after={"active": True, "revision": f"r-{user.revision}"})


def _activate(user: User, at: datetime) -> None:
    span = UserActivity(tenant=user.tenant, user=user, during=since(at))
    span.full_clean()
    span.save(force_insert=True)


def _note_change(user: User) -> None:
    """Of what does not stand in his row: nobody else's name or address is looked at."""
    user.revision += 1
    user.save(update_fields=["revision"])


def _save(user: User) -> None:
    user.revision += 1
    user.full_clean()
    user.save()


def _record(
    action: str,
    user: User,
    by: Actor,
    at: datetime,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Fields are named, never their values: who somebody was stands in the erasable part only."""
    subject = ("user", user.id, str(user))
    tenants = [user.tenant_id]
    record(action=action, tenants=tenants, by=by, at=at, subject=subject, before=before, after=after)
