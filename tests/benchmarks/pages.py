"""What each page and each list weighs and costs in a loaded portal. ``python -m tests.benchmarks.pages``

Fill the database of DATABASE_URL with `manage.py generate_load` first; only a session is added.
Asked as the administrator of the organization with most people. ``--json`` writes the rows, too.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import django

os.environ.setdefault("PORTAL_ENVIRONMENT", "test")
os.environ["DJANGO_SETTINGS_MODULE"] = "iam_portal.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.utils import timezone  # noqa: E402

from accesscontrol.models import TenantRole  # noqa: E402
from applications.models import Contract  # noqa: E402
from iam_portal import settled  # noqa: E402
from iam_portal.launchers.load.company import TYPE  # noqa: E402
from iam_portal.walls import tenant_scope  # noqa: E402
from tenants.actions.entering import Origin, enter  # noqa: E402
from tenants.http import cookie_name  # noqa: E402
from tenants.models import Group, Partnership, Tenant, User  # noqa: E402
from tests.benchmarks.measuring import Figures  # noqa: E402
from tests.support.gallery_pages import WHOLE  # noqa: E402

Asked = Callable[[], HttpResponse]
MOST = 50.0  # milliseconds that 95 of 100 answers may take, on a machine of its own


class Place:
    """The organization as its administrator sees it, and one of each thing in it."""

    def __init__(self, slug: str) -> None:
        self.tenant = Tenant.objects.get(slug=slug)
        at = timezone.now()
        self.month_ago = at - timedelta(days=30)
        with tenant_scope(self.tenant.id):
            self.user = User.objects.get(tenant=self.tenant, username="user1")
            # An act on oneself is refused, and weighs nothing.
            self.other = User.objects.get(tenant=self.tenant, username="user2")
            groups = Group.objects.filter(tenant=self.tenant)
            self.group = groups.get(name="Group 1")
            self.role = TenantRole.objects.filter(tenant=self.tenant).order_by("key").first()
            entered = enter(user=self.user, former=None, methods=["pwd"], origin=Origin(), at=at)
        self.browser = Browser()
        self.browser.cookies[cookie_name(self.tenant.id)] = entered.token
        self.shared = f"{slug}.app{slug.rpartition('-')[2]}"
        self.tool = f"{slug}.tool2"
        self.provided = Contract.objects.filter(provider=self.tenant, state="accepted").first()
        self.partnership = Partnership.objects.filter(inviter=self.tenant).first()

    def everything(self) -> Iterator[tuple[str, Asked]]:
        """By name, as often as one likes."""
        for path in self._pages():
            yield f"page: {path or 'overview'}", partial(self.browser.get, f"/t/{self.tenant.slug}/{path}")
        for area, paths in self._lists().items():
            for path in paths:
                address = f"/iam/{area}/v1/tenants/{self.tenant.id}/{path}"
                yield f"GET {path}", partial(self.browser.get, address)
        for who in ({"userId": str(self.user.id)}, {"applicationId": self.shared}):
            yield f"POST decisions, {next(iter(who))}", partial(self._decide, who)

    def _pages(self) -> Iterator[str]:
        seen = {path for _, path in WHOLE}
        user, role = f"users/{self.user.id}", f"roles/{self.role.key}"
        group, contract = f"groups/{self.group.id}", f"contracts/{self.provided.id}"
        yield from sorted(path for path in seen if "not-found" not in path)
        for application in (self.shared, self.tool):
            for part in (
                "",
                "/served",
                "/access",
                "/resources",
                "/calls",
                "/callers",
                "/manifest",
                "/credentials",
            ):
                yield f"applications/{application}{part}"
            yield f"access?application={application}"
            yield f"roles/of/{application}/viewer/holders"
        other = f"other={self.month_ago:%Y-%m-%dT%H:%M}"
        for filters in ("role=role3", "q=user1", other, f"{other}&role=role3", f"{other}&q=user1"):
            yield f"access?application={self.tool}&{filters}"
        yield user
        for part in ("deactivate", "delete"):
            yield f"users/{self.other.id}/{part}"
        yield from (f"{group}{part}" for part in ("", "/delete"))
        yield from (f"{role}{part}" for part in ("", "/holders", "/edit", "/delete"))
        yield from (f"{contract}{part}" for part in ("", "/pause", "/end", "/amend"))
        yield f"assignments/add?user={self.user.id}"
        yield f"partners/{self.partnership.id}"
        asked = f"who=user:{self.user.id}&application={self.tool}&resource={TYPE}/r20&privilege=read"
        yield f"access/decision?{asked}"

    def _lists(self) -> dict[str, list[str]]:
        user = f"users/{self.user.id}"
        return {
            "application-management": [
                "applications",
                f"applications/{self.shared}",
                f"applications/{self.shared}/availability",
                f"applications/{self.shared}/tenants",
                "contracts",
                "contracts?side=provider&state=accepted",
                f"contracts/{self.provided.id}",
                f"contracts/{self.provided.id}/impact?action=end",
                "partnerships",
                "events",
                "webhooks",
            ],
            "access-management": [
                *(
                    "users",
                    "users?search=user77",
                    user,
                    f"{user}/groups",
                    "groups",
                    f"groups/{self.group.id}",
                ),
                f"groups/{self.group.id}/members",
                *("roles", f"roles/{self.role.key}", f"roles/{self.role.key}/impact?action=delete"),
                *("assignments", f"assignments?userId={self.user.id}"),
                *("resources", f"resources?applicationId={self.tool}"),
                f"access-review?applicationId={self.tool}",
                f"access-review?applicationId={self.tool}&compareWith={self.month_ago:%Y-%m-%dT%H:%MZ}",
            ],
        }

    def _decide(self, who: dict[str, str]) -> HttpResponse:
        asked = {"applicationId": self.tool, "resourceType": TYPE, "resourceId": "r21", "privilege": "read"}
        address = f"/iam/access-management/v1/tenants/{self.tenant.id}/decisions"
        body = json.dumps({**asked, "principal": who})
        reply: HttpResponse = self.browser.post(address, body, content_type="application/json")
        return reply


def main() -> None:
    """Each a few times; what is not 200 is told, and not measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--slug", default="load-4")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="", help="those whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    settings.ALLOWED_HOSTS.append("testserver")
    settings.STATIC_ROOT = tempfile.mkdtemp(prefix="iam-static-")
    settled.settle()  # as a web process does
    print("| what | statements | ms | first byte, ms | 95 of 100, ms | kB |\n|---|--:|--:|--:|--:|--:|")
    rows = []
    for what, ask in Place(options.slug).everything():
        if options.only not in what or (row := _measured(what, ask, options.rounds)) is None:
            continue
        rows.append(row)
        numbers = f"{row['ms']:.1f} | {row['firstByte']:.1f} | {row['late']:.1f} | {row['bytes'] / 1000:.1f}"
        print(f"| {row['what']} | {row['statements']} | {numbers} |", flush=True)
    late = sorted(row["late"] for row in rows)
    if late:
        under = sum(each < MOST for each in late)
        told = f"of {len(late)} under {MOST:.0f} ms in 95 of 100 cases; half under {median(late):.1f} ms."
        print(under, told)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def _measured(what: str, ask: Asked, rounds: int) -> dict[str, Any] | None:
    figures, first_bytes = Figures(), []
    if rounds > 1:
        ask()  # what a process keeps, it has
    for _ in range(rounds):
        before = time.perf_counter()
        reply = figures.take(what, ask)
        first_bytes.append(1000 * (time.perf_counter() - before))
        if reply.status_code != 200:
            print(f"{what}: {reply.status_code}", flush=True)
            return None
    body = b"".join(reply.streaming_content) if reply.streaming else reply.content
    return {
        "what": what,
        "statements": figures.statements(what),
        "ms": figures.milliseconds(what),
        "firstByte": median(first_bytes),
        "late": quantiles(first_bytes, n=20, method="inclusive")[-1] if rounds > 1 else first_bytes[0],
        "bytes": len(body),
    }


if __name__ == "__main__":
    main()
