"""Every list and every question by REST sends as many statements in a world as in one ten times as large."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import keys
from accesscontrol.facts import callable_targets
from accesscontrol.oauth.wire import FORM
from applications.actions import clients
from applications.models import Application, Contract
from iam_portal.launchers.doors import OWN_APPLICATION, Door, doors
from iam_portal.launchers.load import loading
from iam_portal.launchers.load.company import TYPE
from iam_portal.walls import tenant_scope
from tenants.actions.entering import Origin, enter
from tenants.models import Group, GroupPlacement, Partnership, Tenant, User
from tests.benchmarks.measuring import counting
from tests.support.factories import SYSTEM
from tests.support.knocking import Knocker, address_of, basic, browser
from tests.support.once import made_once

SIZES = {"tenants": 20, "applications": 8, "contracts": 150, "users": 200, "assignments": 900}
ASKED = {"access-review": "applicationId"}  # what a door does not answer without
# Of nothing that the load writes.
ELSEWHERE = {"amendment_id", "organization_id", "webhook_id", "account_id", "resource_id", "row_id"}
ELSEWHERE |= {"provider_key", "mapper_id", "token_id"}
# The platform's own; what an act would take away grows with it and has tests of its own; of access contracts;
# of a stream of signals.
OTHERS = {"organizations", "system", "impact", "role-changes", "status"}
# Statements that a page of none saves, those of one more batch of what is read in batches, and those of a
# look at all people where the nearest hold too little.
MORE = {
    "GET /iam/access-management/v1/tenants/{tenant_id}/access-review": 4,
    "GET /iam/application-management/v1/application/events": 2,
    "GET /iam/access-management/v1/tenants/{tenant_id}/reports/{report}": 3,
}
Ask = Callable[[], HttpResponse]


@dataclass
class Place:
    """The organization with most people, asked by its administrator and by its applications."""

    tenant: Tenant
    administrator: Knocker
    known: dict[str, Any]
    caller: Application
    target: str
    secrets: dict[str, str]

    @classmethod
    def of(cls, name: str) -> "Place":
        tenant, at = Tenant.objects.get(slug=f"{name}-4"), timezone.now()
        caller = Application.objects.get(id=f"{tenant.slug}.tool1")
        shared = f"{tenant.slug}.app4"
        with tenant_scope(tenant.id):
            user = User.objects.get(tenant=tenant, username="user1")
            above = GroupPlacement.objects.filter(tenant=tenant).values("parent")
            group = Group.objects.filter(tenant=tenant).exclude(id__in=above).order_by("name").first()
            entered = enter(user=user, former=None, methods=["pwd"], origin=Origin(), at=at)
        accepted = Contract.objects.filter(state="accepted", ends_at=None)
        known = {
            "application_id": shared,
            "client_id": shared,
            "contract_id": accepted.filter(provider=tenant, type="provision").first().id,
            "partnership_id": Partnership.objects.filter(inviter=tenant).first().id,
            "user_id": user.id,
            "group_id": group.id,
            "key": "own1",
            "report": "contracts-in-force",
        }
        target = callable_targets(caller=caller, tenant_id=tenant.id)[0]
        secrets = {}
        for client_id in {caller.id, shared, target}:
            owned = {"tenant": tenant, "client_id": client_id}
            _, secrets[client_id] = clients.add_secret(**owned, by=SYSTEM, at=at)
        return cls(tenant, browser(tenant, entered.token), known, caller, target, secrets)

    def questions(self) -> Iterator[tuple[str, Ask]]:
        for door in _lists():
            yield f"GET {door.address}", self._door(door)
        base = f"/iam/{{}}-management/v1/tenants/{self.tenant.id}"
        who = ({"userId": str(self.known["user_id"])}, {"applicationId": self.caller.id})
        asked = {"applicationId": self.target, "resourceType": TYPE, "resourceId": "r1", "privilege": "read"}
        for each in (*who, {"groupId": str(self.known["group_id"])}):
            body = {**asked, "principal": each}
            yield f"decision, {next(iter(each))}", self._post(f"{base.format('access')}/decisions", body)
        ids = {"applicationIds": [self.target, self.known["application_id"]]}
        yield "availability:batch", self._post(f"{base.format('application')}/availability:batch", ids)
        wish = {"clientId": self.caller.id, "target": self.target, "grant": "client_credentials"}
        yield "token-preview", self._post(f"{base.format('access')}/token-preview", wish)
        yield "token", self.token
        token = self.token().json()["access_token"]
        realm = f"/auth/realms/{self.tenant.id}/protocol/openid-connect/token/introspect"
        yield "introspection", lambda: self._form(realm, self.target, {"token": token})

    def token(self) -> HttpResponse:
        wanted = {"grant_type": "client_credentials", "scope": f"aud:{self.target}"}
        return self._form("/oauth2/token", self.caller.id, {**wanted, "tenant_id": str(self.tenant.id)})

    def _door(self, door: Door) -> Ask:
        address = address_of(door, self.tenant, **self.known)
        part = address.rpartition("/")[2]
        query = urlencode({ASKED[part]: self.target}) if part in ASKED else ""
        if door.permission != OWN_APPLICATION:
            return lambda: self.administrator.knock("GET", address, query=query)
        shared = self.known["application_id"]
        headers = basic(shared, self.secrets[shared])
        return lambda: Browser().get(address, headers=headers)

    def _post(self, address: str, body: dict[str, Any]) -> Ask:
        return lambda: self.administrator.knock("POST", address, json.dumps(body))

    def _form(self, address: str, client_id: str, form: dict[str, str]) -> HttpResponse:
        headers = basic(client_id, self.secrets[client_id])
        reply: HttpResponse = Browser().post(address, urlencode(form), content_type=FORM, headers=headers)
        return reply


def _lists() -> list[Door]:
    """Every door by REST that is only read, but for what the load has none of."""
    found = [door for door in doors() if door.kind == "rest" and door.method == "GET"]
    return [
        door
        for door in found
        if not ELSEWHERE & set(door.pattern.pattern.converters)
        and door.address.rpartition("/")[2] not in OTHERS
    ]


@pytest.fixture(scope="module")
def places(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[list[Place]]:
    with made_once(django_db_blocker), pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "look_again", lambda: None)  # nothing is committed that could be counted
        patch.setattr(keys, "LOOK_AGAIN", float("inf"))  # as a process that has served before
        into = connection.settings_dict["NAME"]
        for name, times in (("few", 1), ("many", 10)):
            sizes = {key: number * times for key, number in SIZES.items()}
            call_command("generate_load", name=name, into=into, at=timezone.now(), verbosity=0, **sizes)
        at = timezone.now()
        patch.setattr(timezone, "now", lambda: at)  # or a session that grows old notes its use anew
        yield [Place.of("few"), Place.of("many")]
        keys.forget()


def test_as_many_statements_in_a_world_ten_times_as_large(places: list[Place]) -> None:
    few, many = (_statements(place) for place in places)
    more = {what: count - few[what] for what, count in many.items() if count != few[what]}
    assert more.items() <= MORE.items()
    assert len(many) > 50


def _statements(place: Place) -> dict[str, int]:
    found = {}
    for what, ask in place.questions():
        ask()  # what a process keeps, it has
        with counting() as sent:
            reply = ask()
            b"".join(reply.streaming_content) if reply.streaming else reply.content
        assert reply.status_code == 200, (what, reply.status_code)
        found[what] = len(sent)
    return found
