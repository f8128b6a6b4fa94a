"""Every door that changes something, opened with success: what is sent, by whom, what is there before.

A new door needs its line in ``changing_rest`` or ``changing_pages``; a test says so.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import clients, contracts, pauses
from applications.models import Application, ClientSecret, Contract
from iam_portal.launchers.doors import Door
from iam_portal.walls import tenant_scope
from tenants.models import Partnership, Tenant, User
from tests.applications.sharing import proposal
from tests.applications.sides import Side, make_side
from tests.support.factories import SYSTEM, make_partners, make_tenant, make_user
from tests.support.forms import Forms
from tests.support.knocking import Knocker, address_of, basic, browser, person

FORM = "application/x-www-form-urlencoded"
FROM = "192.0.2.55"
REQUEST = "request-of-this-test"
NOT_FILLED = ("csrfmiddlewaretoken", "")


@cache
def _browser() -> Browser:
    """One for all: each builds the whole chain of middleware anew."""
    return Browser(raise_request_exception=False, REMOTE_ADDR=FROM)


@dataclass
class Somebody:
    """A person with every role of the portal in his browser, or an application with its secret."""

    tenant: Tenant
    user: User | Application
    knocker: Knocker
    kind: str = "user"


@dataclass
class Stage:
    """An organization with one of everything, its partner, and the platform."""

    mine: Side
    people: dict[str, Somebody] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        return datetime.now(UTC)

    @property
    def system(self) -> dict[str, Any]:
        """What every act of the installation takes."""
        return {"by": SYSTEM, "at": self.at}

    @property
    def own(self) -> dict[str, Any]:
        """The same, in the organization."""
        return {"tenant": self.mine.tenant, **self.system}

    def proposed(self) -> Contract:
        return proposal(self.mine.tenant, self.mine.partner, self.mine.application.id, at=self.at)

    def paused(self) -> Contract:
        made = self.accepted()
        return pauses.pause(contract_id=made.id, **self.own)

    def accepted(self) -> Contract:
        made = self.proposed()
        who = {"contract_id": made.id, **self.system}
        return contracts.accept(tenant=self.mine.partner, **who)

    def somebody(self, name: str = "kim") -> User:
        return make_user(self.mine.tenant, name, at=self.at)

    def newcomer(self) -> Tenant:
        return make_tenant("newcomer", at=self.at)

    def partnership(self) -> Partnership:
        return make_partners(self.mine.tenant, self.newcomer(), at=self.at)


def make_stage() -> Stage:
    mine = make_side("acme")
    made = Stage(mine)
    made.people["person"] = Somebody(mine.tenant, mine.user, mine.person)
    for name, tenant in (("partner", mine.partner), ("operator", Tenant.objects.get(is_platform=True))):
        user, session = person(tenant, "joe", *ROLE_KEYS)
        made.people[name] = Somebody(tenant, user, browser(tenant, session))
    application = mine.application
    row, secret = clients.add_secret(client_id=application.id, **made.own)
    with tenant_scope(
        mine.tenant.id
    ):  # used already: when it was is noted now and then, whatever comes of it
        ClientSecret.objects.filter(id=row.id).update(last_used_at=made.at)
    knocker = Knocker(headers=basic(application.id, secret))
    made.people["application"] = Somebody(mine.tenant, application, knocker, "service")
    return made


Prepared = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One way through a door. ``before`` makes what has to be there, and names ids that the address wants.

    What it names ``body`` is added to the body, ``query`` to the address, ``cookies`` to those of ``who``; a
    callable body is asked at that moment. ``first`` is sent before: the form that answers is the one to send.
    """

    body: dict[str, Any] | Callable[[Stage], dict[str, Any]] = field(default_factory=dict)
    before: Callable[[Stage], Prepared] = lambda stage: {}
    by: str = "person"
    known: dict[str, Any] = field(default_factory=dict)
    fills: tuple[str, ...] | None = None  # fields by which to know the form of a page; None: the body's
    first: dict[str, Any] | None = None

    def name(self) -> str:
        return "-".join([*map(str, self.known.values()), self.by])


@dataclass
class Attempt:
    """A change that is ready to be sent, as often as one likes."""

    door: Door
    change: Change
    stage: Stage
    address: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    query: str = ""

    def __post_init__(self) -> None:
        prepared = dict(self.change.before(self.stage))
        body = self.change.body(self.stage) if callable(self.change.body) else self.change.body
        self.body = {**body, **prepared.pop("body", {})}
        self.query = prepared.pop("query", "")
        self.who = prepared.pop("who", self.stage.people[self.change.by])
        self.cookies = {**self.who.knocker.cookies, **prepared.pop("cookies", {})}
        known = {**self.stage.mine.known(), **self.change.known, **prepared}
        self.address = address_of(self.door, self.who.tenant, **known)
        if self.door.kind != "rest":
            self.body = self._filled()

    def send(self) -> HttpResponse:
        """As its sender would: also with the impact that is asked for."""
        reply = self._request(self.door.method)
        if reply.status_code == 428:
            shown = reply.json()
            revision = (shown.get("plan") or shown.get("impact") or shown)["revision"]
            reply = self._request(self.door.method, **{"If-Match": f'"{revision}"'})
        return reply

    def _sent(self, *, with_file: bool) -> str | bytes:
        """As a form without or with a file, which stands in the body as its content."""
        if not with_file:
            return urlencode(self.body, doseq=True)
        body = {
            name: SimpleUploadedFile("file", value) if isinstance(value, bytes) else value
            for name, value in self.body.items()
        }
        return encode_multipart(BOUNDARY, body)

    def _filled(self) -> dict[str, Any]:
        """What stands in the form of the page, and what is written into it."""
        shown = self._request("GET")
        if self.change.first is not None:
            self.body = {**self._form_of(shown), **self.body}
            body, self.body = self.body, {**self.body, **self.change.first}
            shown = self._request("POST")
            self.body = {**body, **self._form_of(shown)}
        return {**self._form_of(shown), **self.body}

    def _form_of(self, shown: HttpResponse) -> dict[str, Any]:
        wanted = self.change.fills if self.change.fills is not None else tuple(self.body)
        if shown.status_code != 200:
            return {}
        forms = [form for form in Forms(shown.content.decode()).found if all(name in form for name in wanted)]
        form = max(forms, key=len) if forms else {}
        return {name: value for name, value in form.items() if name not in NOT_FILLED}

    def _request(self, method: str, **headers: str) -> HttpResponse:
        browser = _browser()
        browser.cookies.clear()
        for name, value in self.cookies.items():
            browser.cookies[name] = value
        rest = self.door.kind == "rest"
        filled = any(isinstance(value, bytes) for value in self.body.values())
        sent = json.dumps(self.body, default=str) if rest else self._sent(with_file=filled)
        headers = {"X-Request-Id": REQUEST, **self.who.knocker.headers, **headers}
        kind = "application/json" if rest else MULTIPART_CONTENT if filled else FORM
        reply: HttpResponse = browser.generic(
            method,
            self.address,
            sent if method != "GET" else "",
            kind,
            headers=headers,
            QUERY_STRING=self.query,
        )
        return reply
