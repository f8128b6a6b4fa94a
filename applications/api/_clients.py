"""What the doors to a client's credentials share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from applications.models import Client
from applications.policies import own_application
from applications.proofs.refused import Unusable
from iam_portal.errors import Invalid, NotFound
from tenants.rest import TenantAPI

NO_STORE = {"Cache-Control": "no-store"}


class ClientAPI(TenantAPI):
    """A door to one client of an own application."""

    def client(self) -> Client:
        """The client of the address, or NotFound: alike for a foreign one and one of another application."""
        application = own_application(tenant=self.tenant, application_id=self.kwargs["application_id"])
        client = application.clients.filter(client_id=self.kwargs["client_id"]).first()
        if client is None:
            raise NotFound
        return client

    def of(self) -> dict[str, Any]:
        """What every act on the client takes."""
        return {
            "tenant": self.tenant,
            "client_id": self.client().client_id,
            "by": self.actor,
            "at": self.at,
        }


@contextmanager
def readable(pointer: str) -> Iterator[None]:
    """An upload that cannot be used is an objection to its field; nothing of it is repeated."""
    try:
        yield
    except Unusable as refused:
        error = {"pointer": pointer, "code": refused.code, "detail": refused.text}
        raise Invalid("This cannot be used. Nothing was changed.", errors=[error]) from None
