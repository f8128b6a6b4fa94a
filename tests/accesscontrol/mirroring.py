"""Acme's meter at Beta, a neighbour with the same names, and the mirrors that read their ACLs over HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client as Browser

from accesscontrol.actions import portal, tenant_roles
from accesscontrol.actions.tenant_roles import Definition
from applications.actions import clients, manifests
from applications.manifest import parse
from applications.models import Application, Contract
from tenants.models import Tenant
from tests.applications.sharing import T0, accepted, register
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.universe import basic, manifest_of

ACL = "/iam/access-management/v1/application/acl"
NDJSON = "application/x-ndjson"
Address = tuple[str, str, str]
Entries = dict[Address, list[dict[str, Any]]]


@dataclass
class Story:
    """The same words for each test; ``at`` is the doors' clock."""

    at: datetime = T0 + timedelta(minutes=10)
    browser: Browser = field(default_factory=lambda: Browser(raise_request_exception=False))
    secrets: dict[str, str] = field(default_factory=dict)

    def tell(self) -> "Story":
        portal.install(at=T0)
        self.acme, self.beta, self.neighbour = (make_tenant(x, at=T0) for x in ("acme", "beta", "neighbour"))
        make_partners(self.acme, self.beta, at=T0)
        self.meter, self.foreign = self._application(self.acme), self._application(self.neighbour)
        self.contract: Contract = accepted(self.acme, self.beta, self.meter.id, at=T0)
        return self

    def _application(self, owner: Tenant) -> Application:
        made = register(owner, "meter", T0)
        _, self.secrets[made.id] = clients.add_secret(tenant=owner, client_id=made.id, by=SYSTEM, at=T0)
        return made

    def read(
        self, application: Application | None = None, /, *, headers: Mapping[str, str] = {}, **query: Any
    ) -> HttpResponse:
        name = (application or self.meter).id
        sent = {**basic(name, self.secrets[name]), **headers}
        reply: HttpResponse = self.browser.get(ACL, query, headers=sent)
        return reply

    def snapshot(self, application: Application | None = None, /, **query: Any) -> dict[str, Any]:
        reply = self.read(application, **query)
        assert reply.status_code == 200, reply.content
        body: dict[str, Any] = reply.json()
        return body

    def declare(self, *resources: str) -> None:
        """The manifest with both roles, and with these resources beside the machines."""
        more = [{"type": "urn:test", "id": name, "privileges": ["read"]} for name in resources]
        manifest = manifest_of(("viewer", "editor"))
        manifest.resources.update(parse({"resources": more, "roles": []}).resources)
        manifests.declare(application=self.meter, manifest=manifest, by=SYSTEM, at=self.at)

    def tenant_role(self, tenant: Tenant, key: str, *privileges: str) -> None:
        permissions = [(self.meter.id, "urn:test", "machines", privilege) for privilege in privileges]
        made = Definition(key=key, name=key, description="", permissions=permissions)
        tenant_roles.define(tenant=tenant, definition=made, by=SYSTEM, at=self.at)

    def later(self, **delta: float) -> None:
        """The clock goes on; by a minute, where nothing else is said."""
        self.at += timedelta(**delta or {"minutes": 1})


def applied(entries: Entries, delta: Mapping[str, Any]) -> Entries:
    """As a consumer does it: what is told of an address is all there is at it."""
    told = {address_of(entry) for entry in [*delta["changed"], *delta["removed"]]}
    kept = {address: list(found) for address, found in entries.items() if address not in told}
    return indexed(delta["changed"], kept)


def indexed(entries: list[dict[str, Any]], into: Entries | None = None) -> Entries:
    """By address."""
    found: Entries = {} if into is None else into
    for entry in entries:
        found.setdefault(address_of(entry), []).append(entry)
    return found


def address_of(entry: Mapping[str, Any]) -> Address:
    return entry["owningTenantId"], entry["resourceType"], entry["resourceId"]


def lines_of(reply: Any) -> list[dict[str, Any]]:
    """What stands on each line."""
    assert reply.status_code == 200
    assert reply["Content-Type"] == NDJSON
    text = (b"".join(reply.streaming_content) if reply.streaming else reply.content).decode()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]
