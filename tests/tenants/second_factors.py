"""Acme, made once, where Jane signs in in two steps; and what a browser does on its way in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core import mail
from django.test import Client, TestCase
from django.utils import timezone

from iam_portal.walls import tenant_scope
from tenants.http import cookie_name
from tenants.models import HistoryEvent, Tenant, User
from tests.support import authenticating
from tests.support.authenticating import Device
from tests.support.factories import PASSWORD, make_tenant, make_user


@dataclass
class Visit:
    """One browser at one organization."""

    tenant: Tenant
    user: User
    client: Client = field(default_factory=Client)

    @classmethod
    def of(cls, tenant: Tenant, username: str = "jane") -> "Visit":
        return cls(tenant, make_user(tenant, username, at=timezone.now()))

    def again(self) -> "Visit":
        """The same person in another browser."""
        return Visit(self.tenant, self.user)

    def url(self, path: str) -> str:
        return f"/t/{self.tenant.slug}/{path}"

    def get(self, path: str) -> Any:
        return self.client.get(self.url(path))

    def post(self, path: str, **data: Any) -> Any:
        return self.client.post(self.url(path), data)

    def password(self, password: str = PASSWORD, **more: str) -> Any:
        return self.post("sign-in", username=self.user.username, password=password, **more)

    def code(self, code: str) -> Any:
        return self.post("sign-in/second", code=code)

    @property
    def session(self) -> str:
        """The value of the session cookie."""
        morsel = self.client.cookies.get(cookie_name(self.tenant.id))
        return morsel.value if morsel else ""

    @property
    def is_in(self) -> bool:
        """Whether the console knows him."""
        return self.get("account").status_code == 200

    def in_scope(self) -> Any:
        return tenant_scope(self.tenant.id)

    def history(self) -> list[str]:
        with self.in_scope():
            rows = HistoryEvent.objects.filter(tenant=self.tenant).order_by("id")
            return list(rows.values_list("action", flat=True))

    def set_app_up(self) -> tuple[str, list[str]]:
        return authenticating.with_app(self.user, at=timezone.now())

    def make_passkey(self, device: Device, **sent: str) -> Any:
        """By the page of one's own account."""
        asked = self.get("account/factors/passkey").context["asked"]
        answer = device.make(options(asked))
        given = {"name": "key", "credential": answer, "challenge": asked["challenge"], **sent}
        return self.post("account/factors/passkey", **given)

    def sign_in_with(self, device: Device, **sent: str) -> Any:
        """Passkey first: no name, no password."""
        asked = self.get("sign-in/passkey").json()
        given = {"credential": device.answer(asked["options"]), "challenge": asked["challenge"], **sent}
        return self.post("sign-in/passkey", **given)

    def prove_with(self, device: Device, path: str = "sign-in/second") -> Any:
        asked = self.get(path).context["asked"]
        answer = device.answer(options(asked))
        return self.post(path, credential=answer, challenge=asked["challenge"])


def acme() -> Visit:
    return Visit.of(make_tenant("acme", at=timezone.now()))


def options(asked: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asked["options"])
    return found


def now_code(secret: str, step: int = 0) -> str:
    return authenticating.code(secret, timezone.now(), step=step)


@contextmanager
def mailed() -> Iterator[list[Any]]:
    """What was mailed by the act, as if it had been committed."""
    del mail.outbox[:]
    with TestCase.captureOnCommitCallbacks(execute=True):
        yield mail.outbox
