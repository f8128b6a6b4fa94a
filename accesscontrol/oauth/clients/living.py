"""Clients that may act: those of an application that has not been retired."""

import re
from datetime import datetime

from applications.models import Client
from tenants.models import Spanned

# The grammar of client ids. Asked before the query: a NUL in a parameter is an error of the database.
_CLIENT_ID = re.compile(r"[a-z0-9][a-z0-9._-]{2,72}")


def sound(client_id: str) -> str:
    """The id, or an empty one, which nobody has."""
    return client_id if _CLIENT_ID.fullmatch(client_id) else ""


def living(client_id: str, at: datetime) -> Spanned:
    """The client of that id, in a queryset with its application."""
    clients = Client.objects.select_related("application")
    return clients.filter(client_id=sound(client_id), application__during__contains=at)
