"""Deleting a person: all that he holds ends at once and for good, and nothing finds him any more.

What decisions used stays as facts without a name; history keeps the name, or a pseudonym in its place, as the
tenant has chosen.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import F

from iam_portal.errors import DomainError
from iam_portal.gate import Actor
from iam_portal.walls import cross_tenant, tenant_scope
from tenants import policies
from tenants.actions import factors, links, memberships, sessions
from tenants.history import record
from tenants.impact import foreseen_user
from tenants.models import (
    ExternalId,
    HistoryEvent,
    HistoryPerson,
    IdempotentReply,
    Kept,
    KeptInput,
    Partnership,
    Tenant,
    TenantSuspension,
    User,
    UserActivity,
    UserSession,
)
from tenants.signals import person_erased, principal_becoming, user_deleted

LATE = timedelta(minutes=15)  # longer than a request can last


class OwnAccount(DomainError):
    """Nobody deletes himself: somebody else has to want it, too."""

    code = "own_account"


def delete(*, tenant: Tenant, user_id: UUID, by: Actor, at: datetime, revision: int | None = None) -> None:
    """End everything of his, free his user name and mailbox, and keep of him what the tenant keeps.

    Takes his roles for good, so it asks as a withdrawal of each would: who may not give them may not take
    them. (A deactivation asks nobody: whoever may give them undoes it.)
    """
    foreseen = foreseen_user("delete", user_id)
    # Two who delete each other would each leave the other as administrator.
    guard = policies.guarded(tenant=tenant, at=at, foreseen=foreseen)
    with tenant_scope(tenant.id), transaction.atomic(), guard:
        user = foreseen or policies.locked_user(tenant=tenant, user_id=user_id)
        policies.require_revision(user, revision)
        if by.kind == "user" and by.id == str(user.id):
            raise OwnAccount("Nobody deletes his own account: another administrator has to.")
        principal_becoming.send(sender=User, actor=by, tenant=tenant, user=user, at=at)
        if foreseen:
            return  # of what follows nothing refuses: that all of his ends is known without it
        active = policies.is_active(user=user, at=at)
        UserActivity.objects.filter(user=user).close(at)
        _end_all(tenant, user, by, at)
        # Which of them name him cannot be told: a request that is sent again is told that it was answered.
        IdempotentReply.objects.filter(tenant=tenant).update(reply=None)
        keeps = Kept(Tenant.objects.values_list("history_keeps", flat=True).get(pk=tenant.pk))
        name = str(user) if keeps == Kept.NAME else _pseudonym(user)
        _bury(user, name, at, late_until=at + LATE if keeps == Kept.PSEUDONYM else None)
        if keeps == Kept.PSEUDONYM:
            _erase(tenant, user, name)
        subject = ("user", user.id, name)
        record(
            action="user.deleted",
            tenants=[tenant],
            by=by,
            at=at,
            subject=subject,
            before={"active": active},
            after={"active": False, "keeps": keeps},
        )


def _end_all(tenant: Tenant, user: User, by: Actor, at: datetime) -> None:
    """By which he came in, and what he was and held."""
    sessions.end_all(user=user, by=by, at=at)
    links.void(user=user, at=at)
    user.identity_links.all().delete()
    KeptInput.objects.filter(user=user).delete()
    factors.forget_all(user=user)
    ExternalId.objects.filter(user=user).delete()
    memberships.end_all(user=user, by=by, at=at)
    user_deleted.send(sender=User, tenant=tenant, user=user, by=by, at=at)


def erase_late(*, at: datetime) -> int:
    """The job's act: put out names that came into history after the deletion. Of how many people.

    An act of his that was under way wrote its record, or its refusal, when he was gone already. Each is
    looked after once more when nothing can come any more, however late that is.
    """
    with cross_tenant():
        people = list(User.everyone.filter(late_until__isnull=False).select_related("tenant"))
    for user in people:
        with tenant_scope(user.tenant_id), transaction.atomic():
            if user.tenant.history_keeps == Kept.PSEUDONYM:
                _put_out_of_history(user)
            User.everyone.filter(pk=user.pk, late_until__lte=at).update(late_until=None)
    return len(people)


def _pseudonym(user: User) -> str:
    return f"Deleted user {user.id.hex[:8]}"


def _bury(user: User, name: str, at: datetime, *, late_until: datetime | None) -> None:
    """The row that facts of the past refer to: nobody's mailbox, nobody's password."""
    User.everyone.filter(pk=user.pk).update(
        username=f"deleted-{user.id}",
        email="",
        email_proven_at=None,
        display_name=name[:150],
        language="",
        time_zone="",
        password=make_password(None),
        last_login=None,
        deleted_at=at,
        late_until=late_until,
        revision=F("revision") + 1,
    )


def _erase(tenant: Tenant, user: User, pseudonym: str) -> None:
    """Put the pseudonym wherever his name was copied. ``user`` still says who he was."""
    names = _names(tenant, user)
    UserSession.objects.filter(user=user).update(source_address="", user_agent="")
    Partnership.objects.filter(inviter=tenant, invited_by__in=names).update(invited_by=pseudonym)
    Partnership.objects.filter(invitee=tenant, redeemed_by__in=names).update(redeemed_by=pseudonym)
    if tenant.is_platform:
        TenantSuspension.objects.filter(by_name__in=names).update(by_name=pseudonym)
    person_erased.send(sender=User, tenant=tenant, user=user, names=names, pseudonym=pseudonym)
    _put_out_of_history(user)


def _put_out_of_history(user: User) -> None:
    """The names beside it are the owner's to change: a function of the database does it as the owner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT iam_erase_person(%s)", [user.id])


def _names(tenant: Tenant, user: User) -> frozenset[str]:
    """What he was called when he acted. A name that somebody else here has, too, is not his alone."""
    acts = HistoryEvent.objects.filter(tenant=tenant, actor_kind="user", actor_id=str(user.id))
    people = HistoryPerson.objects.filter(tenant=tenant, event_id__in=acts.values("id"))
    names = {str(user), *people.order_by().values_list("actor_name", flat=True).distinct()}
    others = tenant.users.exclude(pk=user.pk).filter(display_name__in=names)
    return frozenset(names) - set(others.values_list("display_name", flat=True)) - {""}
