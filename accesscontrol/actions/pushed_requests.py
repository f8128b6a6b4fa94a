"""A request that a client leaves before it sends a browser (RFC 9126): pushed, opened once, answered once."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from accesscontrol.models import PushedRequest
from applications.models import Client
from iam_portal import sealing
from tenants import hashers
from tenants.models import Tenant

LIFE = timedelta(seconds=60)
_CLEAR = "client_id="  # how one begins that a former version of the portal has kept
SIGNING_IN = timedelta(minutes=30)  # how long a browser that has opened it may be away at the sign-in page


def push(*, tenant: Tenant, client: Client, query: str, at: datetime) -> str:
    """Its name, of which only the digest is kept. In the tenant's scope.

    The request is sealed: hints in it name a person, or are an ID token of his.
    """
    value = hashers.fresh()
    PushedRequest.objects.create(
        digest=hashers.digest(value),
        tenant=tenant,
        client=client,
        query=sealing.seal(query),
        expires_at=at + LIFE,
    )
    return value


def open_first(*, tenant: Tenant, client_id: str, value: str, at: datetime) -> PushedRequest | None:
    """For the first browser that comes with it, in time and for this client; None for every other."""
    rows = _rows(tenant, client_id, value).filter(opened_at=None, expires_at__gt=at)
    return _unsealed(_rows(tenant, client_id, value).first()) if rows.update(opened_at=at) else None


def open_again(*, tenant: Tenant, client_id: str, value: str, at: datetime) -> PushedRequest | None:
    """For the browser that we have sent to sign in; whether it is that one the caller knows by his mark."""
    rows = _rows(tenant, client_id, value).filter(opened_at__gt=at - SIGNING_IN, answered_at=None)
    return _unsealed(rows.first())


def answer(*, request: PushedRequest, at: datetime) -> bool:
    """Use it up; whether it was this call that did. Of two at once, one answers."""
    rows = PushedRequest.objects.filter(pk=request.pk, tenant_id=request.tenant_id, answered_at=None)
    return bool(rows.update(answered_at=at))


def _unsealed(row: PushedRequest | None) -> PushedRequest | None:
    """For reading, not for saving; None where no key of the ring opens it."""
    if row is None or row.query.startswith(_CLEAR):
        return row
    try:
        row.query = sealing.unseal(row.query)
    except sealing.InvalidToken:
        return None
    return row


def _rows(tenant: Tenant, client_id: str, value: str) -> QuerySet[PushedRequest]:
    return PushedRequest.objects.filter(
        digest=hashers.digest(value), tenant=tenant, client__client_id=client_id
    )
