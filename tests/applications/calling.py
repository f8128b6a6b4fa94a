"""Somebody who calls the doors of a tenant, and what he does stays."""

import json
from collections.abc import Iterator
from typing import Any

from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.applications.sides import Side
from tests.support.knocking import Knocker, _browser

PUBLIC = "https://receiver.example/hook"


class Caller:
    """At the doors of his tenant; unlike a knocker, what he does stays."""

    def __init__(self, side: Side, who: Knocker, below: str = "webhooks") -> None:
        self.root = f"/iam/application-management/v1/tenants/{side.tenant.id}/{below}"
        self.who = who

    def __call__(self, method: str, path: str = "", body: Any = None, **headers: str):
        client = _browser(False)
        client.cookies.clear()
        for name, value in self.who.cookies.items():
            client.cookies[name] = value
        sent = b"" if body is None else json.dumps(body)
        headers = {**self.who.headers, **headers}
        return client.generic(method, f"{self.root}{path}", sent, "application/json", headers=headers)

    def made(self, **body: Any) -> dict[str, Any]:
        reply = self("POST", body={"url": PUBLIC, "types": ["iam.contract.*"], **body})
        assert reply.status_code == 201, reply.content
        return reply.json()


def codes(reply: Any, status: int = 400) -> list[tuple[str, str]]:
    """Pointer and code of each objection."""
    assert reply.status_code == status, reply.content
    return [(error["pointer"], error["code"]) for error in reply.json()["errors"]]


def acts(side: Side) -> Iterator[tuple[str, Any]]:
    """The latest of the record about its application, newest first."""
    with tenant_scope(side.tenant.id):
        rows = HistoryEvent.objects.filter(subject_id=side.application.id).order_by("-id")[:3]
        yield from ((row.action, row.after or row.before) for row in rows)
