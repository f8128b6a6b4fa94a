"""The end of people's sign-ins to applications, each told once. How long one lives by itself: ``living``."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from accesscontrol.actions import logout_notices
from accesscontrol.models import Authorization
from applications.events import about_person, emit
from iam_portal.decision import rfc3339
from iam_portal.gate import Actor
from tenants.history import record
from tenants.models import Tenant, User
from tenants.models.users import FEDERATED


def locked(*, tenant: Tenant, authorization_id: UUID | str) -> Authorization | None:
    """The sign-in of this tenant for the rest of the transaction, ended or not.

    Whoever gives a token from it, or ends it, takes this lock first: none is given after its end.
    """
    return _locked(Authorization.objects.filter(tenant=tenant, pk=authorization_id)).first()


def end(*, authorization: Authorization, because: Authorization.Ended, by: Actor, at: datetime) -> bool:
    """End it with everything it gave; whether it was this call that did."""
    with transaction.atomic():
        row = _locked(Authorization.objects.filter(pk=authorization.pk, ended_at=None)).first()
        if row is not None:
            _end(row, because, by, at)
    return row is not None


def end_all(*, user: User, because: Authorization.Ended, by: Actor, at: datetime) -> int:
    """End all of a person's, offline ones too, as a consequence of what the caller records. How many.

    The caller has ended his sessions before: a code that is exchanged meanwhile waits for its session's row,
    and finds it ended.
    """
    with transaction.atomic():
        rows = _locked(Authorization.objects.filter(tenant_id=user.tenant_id, user=user, ended_at=None))
        ended = list(rows.order_by("id"))
        for row in ended:
            _end(row, because, by, at)
    return len(ended)


def end_by_provider(
    *, tenant_id: UUID, provider_id: UUID, by: Actor, at: datetime, user_id: UUID | None = None
) -> int:
    """End what stays signed in by itself and began by this identity provider, for everybody or one person.

    As above, the caller has ended the sessions before. By which provider one began that is older than that
    knowledge, nobody can say: it ends with each.
    """
    unknown = Q(by_provider=None, session=None, methods__contains=[FEDERATED])
    rows = Authorization.objects.filter(Q(by_provider=provider_id) | unknown)
    rows = rows.filter(tenant_id=tenant_id, ended_at=None)
    with transaction.atomic():
        ended = list(_locked(rows.filter(user_id=user_id) if user_id else rows).order_by("id"))
        for row in ended:
            _end(row, Authorization.Ended.PROVIDER, by, at)
    return len(ended)


def _locked(rows: QuerySet[Authorization]) -> QuerySet[Authorization]:
    return rows.select_for_update(of=("self",), no_key=True).select_related("client", "user", "session")


def _end(row: Authorization, because: Authorization.Ended, by: Actor, at: datetime) -> None:
    row.ended_at, row.ended_because = at, because
    row.save(update_fields=["ended_at", "ended_because"])
    if because != Authorization.Ended.REVOKED:  # its client has done that itself
        logout_notices.owe([row], at=at)
    record(
        action="authorization.ended",
        tenants=[row.tenant_id],
        by=by,
        at=at,
        subject=("user", row.user_id, str(row.user)),
        before={"authorization": str(row.id), "since": rfc3339(row.created_at)},
        after={
            "authorization": str(row.id),
            "applicationId": row.client.application_id,
            "clientId": row.client.client_id,
            "because": str(because),
            "offline": row.is_offline,
        },
    )
    if row.session is None or row.session.ended_at != at:  # else its session's end has told it
        tell_revoked(row, because=str(because), by=by, at=at)


def tell_revoked(row: Authorization, *, because: str, by: Actor, at: datetime) -> None:
    """The application alone is told, as a session of its own: others have theirs."""
    about = {**about_person(row.user_id, by=by), "sessionId": str(row.id), "because": because}
    emit(
        type="person.session_revoked",
        tenant_id=row.tenant_id,
        application_id=row.client.application_id,
        subject=str(row.user_id),
        at=at,
        data={**about, "applicationId": row.client.application_id},
    )


def tell_signed_out(*, tenant_id: UUID, user_id: UUID, by: Actor, at: datetime) -> None:
    """What rested on sessions that ended at this moment gives nothing any more."""
    rows = Authorization.objects.filter(tenant_id=tenant_id, user_id=user_id, ended_at=None)
    for row in rows.filter(session__ended_at=at).select_related("client").order_by("id"):
        tell_revoked(row, because="signed_out", by=by, at=at)
