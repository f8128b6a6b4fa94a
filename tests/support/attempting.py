"""Somebody of an office sends something: what came of it, and what the record says of it."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client as Browser

from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tenants.models import HistoryEvent
from tests.support.forms import Forms
from tests.support.granting import Office, state

APIS = {"access": "access-management", "management": "application-management"}


def browser(office: Office, who: str) -> Browser:
    """Its requests are one after the other; what each writes stays, as it does in real life."""
    client = Browser()
    client.cookies[cookie_name(office.tenant.id)] = office.sessions[who]
    return client


def send(office: Office, who: str, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
    """A door of either API below the tenant."""
    api, _, rest = path.partition("/")
    address = f"/iam/{APIS[api]}/v1/tenants/{office.tenant.id}/{rest}"
    sent = b"" if body is None else json.dumps(body).encode()
    return browser(office, who).generic(method, address, sent, "application/json", headers=headers)


def fill(office: Office, who: str, path: str, filled: dict[str, Any], *, over_form: bool) -> HttpResponse:
    """A page of the organization, sent as it would be from the browser."""
    client, address = browser(office, who), f"/t/{office.tenant.slug}/{path}"
    form: dict[str, Any] = {}
    if over_form:
        form = Forms(client.get(address).content.decode()).with_fields("revision")
    form |= filled
    reply = client.post(address, {name: value for name, value in form.items() if value is not None})
    text = reply.content.decode()
    if 'name="impact"' not in text:
        return reply
    return client.post(address, Forms(text).with_fields("impact"))  # it was told what it takes, and confirmed


def snapshot(office: Office) -> Any:
    with tenant_scope(office.tenant.id):
        return state()


def attempts(office: Office) -> list[HistoryEvent]:
    """What history says of refused attempts."""
    with tenant_scope(office.tenant.id):
        rows = HistoryEvent.objects.filter(tenant=office.tenant, action="grant.refused")
        return list(rows.order_by("id"))
