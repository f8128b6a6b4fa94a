"""What the acts on a client and its credentials share: whose it is, who may, how many, the record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from applications.models import Application, Client
from applications.models.clients import FRONTEND
from applications.policies import own_application
from applications.signals import principal_becoming
from iam_portal.errors import DomainError, Invalid, NotFound
from iam_portal.gate import Actor
from iam_portal.sentences import said
from tenants import history
from tenants.models import Spanned, Tenant, since
from tenants.models.spanned import clipped

MOST = 10  # of each kind, living at once


class TooManyCredentials(DomainError):
    """One has to be revoked first."""

    code = "too_many_credentials"


class CredentialExists(DomainError):
    """The client has this very one already."""

    code = "credential_exists"


def own_client(*, tenant: Tenant, client_id: str) -> Client:
    """A client of an own application, which is locked: acts on its credentials take turns. Or NotFound."""
    application_id = client_id.removesuffix(FRONTEND)
    application = own_application(tenant=tenant, application_id=application_id, lock=True)
    client = application.clients.filter(client_id=client_id).first()
    if client is None:
        raise NotFound
    client.application = application
    return client


def require_becoming(client: Client, *, by: Actor, at: datetime) -> None:
    """Whoever sets what proves a client can act by it: he must be able to grant all that it holds."""
    principal_becoming.send(sender=Client, actor=by, application=client.application, at=at)


def require_confidential(client: Client) -> None:
    """Refuse for a public client: it could keep no credential from anybody."""
    if client.client_type != Client.CLIENT_CONFIDENTIAL:
        raise Invalid("A public client has no credentials.")


def require_room(living: Spanned, at: datetime) -> None:
    """Refuse when there are as many as may be, planned ones counted."""
    if living.not_over(at).count() >= MOST:
        raise TooManyCredentials(said("At most %(most)s at once. Revoke one first.", {"most": MOST}))


def valid_span(
    *, at: datetime, expires_at: datetime | None, starts_at: datetime | None = None, ends_at: datetime | None
) -> Any:
    """From now (or from when its certificate is valid) to the earlier end; Invalid when that is over."""
    if expires_at is not None and expires_at <= at:
        raise Invalid("It ends in the future.", errors=[_over("/expiresAt", "This moment is past.")])
    if ends_at is not None and ends_at <= at:
        raise Invalid("The certificate has expired.", errors=[_over("/pem", "This certificate has expired.")])
    start = max(at, starts_at or at)
    end = min((moment for moment in (expires_at, ends_at) if moment is not None), default=None)
    if end is not None and end <= start:
        text = "The certificate is not valid yet at this moment."
        raise Invalid(text, errors=[_over("/expiresAt", text)])
    return since(start, end)


def end_now(rows: Spanned, row_id: UUID, at: datetime) -> Any:
    """End the living row of this id; NotFound when there is none."""
    found = rows.not_over(at).filter(id=row_id).first()
    if found is None:
        raise NotFound
    rows.filter(id=row_id).update(during=clipped(at))
    return found


def record(
    application: Application,
    action: str,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """The history row of an act on a client: its subject is the application."""
    history.record(
        action=action,
        tenants=[application.owner_id],
        by=by,
        at=at,
        subject=("application", application.id, application.display_name),
        before=before,
        after=after,
    )


def _over(pointer: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": "moment_past", "detail": detail}
