"""What is asked of a large company: each question of access management, and the pages of people."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client as Browser

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients
from iam_portal.launchers.load.company import TYPE, Company
from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tests.accesscontrol.oauth.conftest import Clock, World, basic
from tests.accesscontrol.oauth.people import BACK_PUBLIC, Person, give
from tests.support import knocking
from tests.support.factories import SYSTEM, make_group, make_user, sign_in

ACCESS = "/iam/access-management/v1"
Asked = Callable[[], HttpResponse]


@dataclass
class Questions:
    """Asked by an administrator with every role, by a person with a token, and by the first application.

    ``clock`` is the doors' clock; the company was built before it.
    """

    company: Company
    clock: Clock

    def prepare(self) -> "Questions":
        """Everybody who asks is known, and signed in."""
        tenant, start = self.company.tenant, self.clock.start
        self.first, self.second = (self.company.application(ordinal).id for ordinal in (1, 2))
        administrator = make_user(tenant, "administrator", at=start)
        for role in ROLE_KEYS:
            knocking.give(tenant, role, user_id=administrator.id)
        self.browser = Browser()
        self.browser.cookies[cookie_name(tenant.id)] = sign_in(administrator, at=self.clock.at)
        self.world = World(self.clock, tenant, tenant, tenant)
        for name in (self.first, self.second):
            _, self.world.secrets[name] = clients.add_secret(
                tenant=tenant, client_id=name, by=SYSTEM, at=start
            )
        self.world.set_client(self.first, redirect_uris=BACK_PUBLIC)
        jane = make_user(tenant, "jane", at=start)
        with tenant_scope(tenant.id):
            self.root = self.company.group(1)
            self.deep = self.company.group(self.company.groups)
        make_group(tenant, "Deepest", parent=self.deep, members=(jane,), at=start)
        give(self.world, jane, "role0", self.first)
        self.world.assign(tenant, self.second, self.first, "role1")
        self.jane = Person(self.world, jane)
        self.jane.sign_in()
        self.tokens = self.jane.tokens(self.first)
        self.revision = json.loads(self.acl().content)["revision"]
        return self

    def all(self) -> Iterator[tuple[str, Asked]]:
        """By name, as often as one likes: nothing is changed."""
        yield from self._people()
        yield from self._roles()
        yield from self._decided()
        yield from self._of_application()
        yield from self._pages()

    def _people(self) -> Iterator[tuple[str, Asked]]:
        user, deep = self.jane.user.id, self.deep.id
        yield "users, a page of 50", self._get("users")
        yield "users, a page of 500", self._get("users", limit=500)
        yield "users, searched", self._get("users", search="user77")
        yield "one user", self._get(f"users/{user}")
        yield "groups of a user", self._get(f"users/{user}/groups")
        yield "groups, a page of 50", self._get("groups")
        yield "groups below one", self._get("groups", parentId=str(self.root.id))
        yield "one group", self._get(f"groups/{deep}")
        yield "members of a group", self._get(f"groups/{self.root.id}/members")

    def _roles(self) -> Iterator[tuple[str, Asked]]:
        yield "tenant roles, a page of 50", self._get("roles")
        yield "one tenant role", self._get("roles/own1")
        yield "impact of deleting a tenant role", self._get("roles/own1/impact", action="delete")
        yield "assignments, a page of 50", self._get("assignments")
        yield "assignments, a page of 500", self._get("assignments", limit=500)
        yield "assignments of a person", self._get("assignments", userId=str(self.jane.user.id))
        yield "assignments of a role", self._get("assignments", applicationId=self.first, role="role0")
        yield "resources, a page of 50", self._get("resources")
        yield "resources of an application", self._get("resources", applicationId=self.first)
        yield "access review of an application, a page", self._get("access-review", applicationId=self.second)

    def _decided(self) -> Iterator[tuple[str, Asked]]:
        asked = {
            "applicationId": self.first,
            "resourceType": TYPE,
            "resourceId": "r20",
            "privilege": "read",
        }
        who = {"userId": str(self.jane.user.id)}
        yield "a decision for a person", self._post("decisions", {**asked, "principal": who})
        service = {"applicationId": self.second}
        yield "a decision for a service", self._post("decisions", {**asked, "principal": service})
        wanted = {"clientId": self.second, "target": self.first, "grant": "client_credentials"}
        yield "a token preview", self._post("token-preview", wanted)
        tenant = self.company.tenant
        yield "a token of a service", lambda: self.world.token(self.second, tenant, f"aud:{self.first}")
        token = self.tokens["access_token"]
        yield "introspection of a person's token", lambda: self.world.introspect(self.first, tenant, token)
        bearer = {"Authorization": f"Bearer {token}"}
        address = f"{ACCESS}/tenants/{tenant.id}/acl"
        yield "user ACL", lambda: Browser().get(address, headers=bearer)

    def _of_application(self) -> Iterator[tuple[str, Asked]]:
        tag = self.acl()["ETag"]
        yield "ACL of the first application", self.acl
        yield "its ACL, 304", lambda: self.acl(headers={"If-None-Match": tag})
        yield "its ACL, a delta with nothing new", lambda: self.acl(since=self.revision)

    def _pages(self) -> Iterator[tuple[str, Asked]]:
        slug = self.company.tenant.slug
        for page in ("users", "groups", "assignments", "activity", "applications", ""):
            yield f"page: {page or 'overview'}", self._page(f"/t/{slug}/{page}")
        yield "page: one user", self._page(f"/t/{slug}/users/{self.jane.user.id}")
        yield "page: one group", self._page(f"/t/{slug}/groups/{self.root.id}")
        yield "page: who has access", self._page(f"/t/{slug}/applications/{self.second}/access")
        yield "page: assign a role", self._page(f"/t/{slug}/assignments/add")

    def acl(self, *, headers: dict[str, str] | None = None, **query: Any) -> HttpResponse:
        """What the first application reads."""
        sent = {"Authorization": basic(self.first, self.world.secrets[self.first]), **(headers or {})}
        reply = Browser().get(f"{ACCESS}/application/acl", query, headers=sent)
        whole = reply.getvalue()  # it comes as a stream, and is read to its end
        reply.close()
        return HttpResponse(whole, status=reply.status_code, headers={"ETag": reply["ETag"]})

    def _get(self, path: str, **query: Any) -> Asked:
        return lambda: self.browser.get(f"{ACCESS}/tenants/{self.company.tenant.id}/{path}", query)

    def _post(self, path: str, body: dict[str, Any]) -> Asked:
        address = f"{ACCESS}/tenants/{self.company.tenant.id}/{path}"
        return lambda: self.browser.post(address, json.dumps(body), content_type="application/json")

    def _page(self, address: str) -> Asked:
        return lambda: self.browser.get(address)
