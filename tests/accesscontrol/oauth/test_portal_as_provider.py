"""Another organization's issuer of this portal as the identity provider: both ends are ours."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from accesscontrol.oauth.clients import foreign
from accesscontrol.oauth.providers import metadata, redeeming
from accesscontrol.oauth.wire import FORM
from applications.delivery.fetching import Unfetched
from iam_portal.walls import tenant_scope
from tenants.actions import identity_providers
from tenants.http import cookie_name
from tenants.models import IdentityLink
from tests.accesscontrol.oauth.conftest import World
from tests.support.factories import SYSTEM, make_user, sign_in

BASE, METER = "https://portal.example", "acme.meter"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """What is asked of the one installation by the other comes in by its doors."""
    settings.ROOT_URLCONF, settings.PORTAL_BASE_URL = "iam_portal.urls", BASE

    def path(url: str) -> str:
        assert url.startswith(f"{BASE}/"), url
        return url.removeprefix(BASE)

    def document(url: str, *, bearer: str = "", **_: Any) -> Any:
        shown = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return body(Browser().get(path(url), headers=shown))

    def posted(url: str, *, form: Any, headers: Any, **_: Any) -> Any:
        return body(Browser().post(path(url), urlencode(form), content_type=FORM, headers=dict(headers)))

    def body(reply: Any) -> Any:
        if reply.status_code != 200:
            raise Unfetched(f"status_{reply.status_code}")
        return reply.json()

    for place in (metadata, redeeming, foreign):
        monkeypatch.setattr(place, "document", document)
    # At once and here: a thread of its own would not see what this test has not committed.
    monkeypatch.setattr(foreign, "known", lambda source, *, owner_id: source.fetch())
    monkeypatch.setattr(redeeming, "posted", posted)
    foreign.forget()
    yield
    foreign.forget()


def test_another_organization_says_who_it_is(shared: World, fetched: None) -> None:
    acme, globex, at = shared.acme, shared.globex, shared.clock.at
    back = f"{BASE}/t/globex/sign-in/by/acme/back"
    shared.set_client(METER, redirect_uris=back)
    jane = make_user(acme, "jane", at=at)
    with tenant_scope(acme.id):
        wanted = Wanted(role="viewer", application_id=METER, user_id=jane.id)
        assignments.assign(tenant=acme, wanted=wanted, by=SYSTEM, at=at)
        type(jane).objects.filter(pk=jane.pk).update(email_proven_at=at)
    chosen = {"name": "Acme", "client_id": METER, "scopes": ["email", "profile"], "makes_people": True}
    with tenant_scope(globex.id):
        issuer = f"{BASE}/iam/auth/realms/{acme.id}"
        given = {"tenant": globex, "by": SYSTEM, "at": at, "secret": shared.secrets[METER]}
        identity_providers.create(**given, key="acme", issuer=issuer, chosen={**chosen, "enabled": True})
    person = Browser()
    person.cookies[cookie_name(acme.id)] = sign_in(jane, at=at)
    there = person.get("/t/globex/sign-in/by/acme")
    assert there["Location"].startswith(f"{BASE}/"), there.content
    answer = person.get(there["Location"].removeprefix(BASE))
    assert answer["Location"].startswith(f"{back}?"), answer.content
    parts = urlsplit(answer["Location"])
    arrived = person.get(f"{parts.path}?{parts.query}")
    assert arrived["Location"] == "/t/globex/sign-in/arrival", arrived.content
    page = person.get("/t/globex/sign-in/arrival").content.decode()
    assert jane.email in page
    person.post("/t/globex/sign-in/arrival", {"username": "jane", "display_name": "Jane"})
    with tenant_scope(globex.id):
        assert IdentityLink.objects.get().subject == str(jane.id)
    assert person.get("/t/globex/account").status_code == 200
    assert person.get("/t/acme/account").status_code == 200, "and there she is who she was"
