"""Somebody who is signed in to the console of the running portal, and uses its REST doors by his session."""

import re
from typing import Any, Self

import requests

from tests.support.browsing import Login
from tests.support.forms import Forms

CSRF = r'name="csrfmiddlewaretoken" value="([^"]+)"'


class Console:
    """One person with one session."""

    def __init__(self, base: str, tenant_id: str, login: Login) -> None:
        self.base, self.tenant_id, self.login = base, tenant_id, login
        self.http = requests.Session()
        self._sign_in()

    @classmethod
    def of(cls, portal: Any, side: str) -> Self:
        """The administrator of one side of the demo's story."""
        told = portal.story[side]
        return cls(portal.address, told["tenantId"], Login.of(told))

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A door of application management below the own tenant; its JSON."""
        sent = {"X-CSRFToken": self.http.cookies["csrftoken"], **headers}
        where = f"{self.base}/iam/application-management/v1/tenants/{self.tenant_id}/{path}"
        response = self.http.request(method, where, json=body, headers=sent, timeout=20)
        assert response.ok, response.text
        return response.json() if response.content else None

    def change_client(self, client_id: str, **settings: Any) -> None:
        """Settings of a client of an own application, by their names on the wire."""
        application_id = client_id.removesuffix("-frontend")
        self.call("PATCH", f"applications/{application_id}/clients/{client_id}", settings)

    def page(self, path: str) -> str:
        """A page of the organization."""
        shown = self.http.get(f"{self.base}/t/{self.login.slug}/{path}", timeout=20)
        assert shown.ok, shown.text
        return shown.text

    def fill(self, path: str, *ticked: str, **filled: str) -> str:
        """Fill in the form of a page of the organization and send it; the page that follows."""
        page = f"{self.base}/t/{self.login.slug}/{path}"
        form = Forms(self.page(path)).with_fields(*filled)
        reply = self.http.post(page, {**form, **filled, **dict.fromkeys(ticked, "on")}, timeout=20)
        assert reply.ok, reply.text
        return reply.text

    def _sign_in(self) -> None:
        page = f"{self.base}/t/{self.login.slug}/sign-in"
        token = re.search(CSRF, self.http.get(page, timeout=20).text)
        assert token is not None
        form = {"username": self.login.username, "password": self.login.password}
        response = self.http.post(page, {**form, "csrfmiddlewaretoken": token[1]}, timeout=20)
        assert response.url.endswith(f"/t/{self.login.slug}/"), response.url
