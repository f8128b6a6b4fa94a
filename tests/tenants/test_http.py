"""The frame of a page: who may see it, what a stranger learns, what a refusal undoes."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from iam_portal import gate as port
from iam_portal.decision import Decision, Reason
from iam_portal.walls import tenant_scope
from tenants import navigation
from tenants.actions import tenants, users
from tenants.http import TenantPage, cookie_name
from tenants.models import Group, KeptInput
from tests.support.factories import PASSWORD, SYSTEM, make_tenant, make_user, sign_in

asked: list[str] = []
HELD = {"Users:read", "Groups:read"}


class FakeGate:
    """Everybody holds what ``HELD`` names."""

    def decide(self, *, actor, tenant_id, permission, at):
        asked.append(str(permission))
        if str(permission) in HELD:
            return Decision.yes(Reason("role_held", "You are User Reader."))
        return Decision.no(Reason("permission_not_held", f"Nobody gave you {permission}."))

    def answers(self, *, actor, tenant_id, at):
        return lambda permission: self.decide(actor=actor, tenant_id=tenant_id, permission=permission, at=at)


pytestmark = pytest.mark.urls("tests.tenants.pages")


@pytest.fixture(autouse=True)
def fake_gate(settings, monkeypatch):
    settings.IAM_GATE = f"{__name__}.FakeGate"
    monkeypatch.setattr(navigation, "_items", [])
    port.gate.cache_clear()
    asked.clear()
    yield
    port.gate.cache_clear()


@pytest.fixture
def jane(acme):
    return make_user(acme, at=timezone.now() - timedelta(days=1))


@pytest.fixture
def browser(client, jane):
    """Signed in at Acme."""
    answer = client.post("/t/acme/sign-in", {"username": "jane", "password": PASSWORD})
    assert answer.status_code == 200
    return client


def test_signed_in_one_sees_the_page_with_the_console_around_it(browser):
    navigation.register("people", "Users", "open", "user", "Users:read")
    navigation.register("people", "Keys", "closed", "role", "Keys:modify")
    page = browser.get("/t/acme/open")
    assert page.status_code == 200
    assert page.context["organization"] == {"name": "Acme", "url": "/t/acme/"}
    assert page.context["account"]["detail"] == "jane@example.org"
    assert [[item["label"] for item in group["items"]] for group in page.context["nav"]] == [["Users"]]
    assert "of Jane" in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_each_permission_is_asked_once_per_page(browser):
    for name in ("Users", "People", "Persons"):
        navigation.register("people", name, "open", "user", "Users:read")
    asked.clear()
    browser.get("/t/acme/open")
    assert asked == ["Users:read"]


def test_without_the_permission_the_answer_is_403_with_the_reason(browser):
    page = browser.get("/t/acme/closed")
    assert page.status_code == 403
    assert "Nobody gave you Keys:modify." in page.content.decode()
    assert [reason.code for reason in page.context["reasons"]] == ["permission_not_held"]


def test_a_page_that_declares_nothing_serves_nobody(browser):
    with pytest.raises(Exception, match="declares no permission"):
        browser.get("/t/acme/undeclared")


@pytest.mark.parametrize("address", ["open", "closed"])
def test_known_foreign_and_unknown_organizations_answer_a_stranger_alike(browser, neighbour, address):
    answers = set()
    for slug in ("neighbour", "nowhere"):
        answer = browser.get(f"/t/{slug}/{address}?a=b")
        body = answer.content.decode() + answer["Location"] + str(sorted(answer.headers))
        answers.add((answer.status_code, body.replace(slug, "…")))
    assert len(answers) == 1
    assert answers.pop()[0] == 302


def test_the_sign_in_of_an_unknown_organization_looks_and_fails_alike(client, jane):
    pages, refusals = set(), set()
    for slug in ("acme", "nowhere"):
        page = client.get(f"/t/{slug}/sign-in")
        pages.add((page.status_code, page.content.decode().replace(slug, "…")))
        answer = client.post(f"/t/{slug}/sign-in", {"username": "jane", "password": "wrong"})
        refusals.add((answer.status_code, answer.content, str(sorted(answer.headers)), len(answer.cookies)))
    assert len(pages) == len(refusals) == 1


def test_after_signing_in_one_comes_back(client, jane):
    answer = client.get("/t/acme/open?page=2")
    assert answer["Location"] == "/t/acme/sign-in?next=%2Ft%2Facme%2Fopen%3Fpage%3D2"
    answer = client.post("/t/acme/open")
    assert answer["Location"] == "/t/acme/sign-in?next=%2Ft%2Facme%2Fopen"
    assert not answer.cookies, "nobody is known whose input it would be"


@pytest.mark.parametrize(
    ("wanted", "gone_to"),
    [
        ("/t/acme/open?page=2", "/t/acme/open?page=2"),
        ("https://evil.example/", "/t/acme/"),
        ("//evil.example/", "/t/acme/"),
        ("/\\evil.example/", "/t/acme/"),
        ("javascript:alert(1)", "/t/acme/"),
        ("http:///evil.example", "/t/acme/"),
        ("open", "/t/acme/"),
        ("", "/t/acme/"),
    ],
)
def test_next_leads_nowhere_else(client, jane, wanted, gone_to):
    address = reverse("sign-in", kwargs={"slug": "acme"})
    answer = client.post(address, {"username": "jane", "password": PASSWORD}, query_params={"next": wanted})
    assert answer.content.decode() == gone_to


def test_the_cookie_is_the_tenants_own_and_closed_to_scripts(browser, acme):
    cookie = browser.cookies[cookie_name(acme.id)]
    assert cookie.key == f"iam_session_{acme.id.hex}"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["secure"], "the tests' base address is not https"


def test_behind_https_the_cookie_is_secure(client, jane, settings):
    settings.SESSION_COOKIE_SECURE = True
    client.post("/t/acme/sign-in", {"username": "jane", "password": PASSWORD})
    assert client.cookies[cookie_name(jane.tenant_id)]["secure"]


def test_one_browser_can_be_in_two_organizations(browser, neighbour):
    make_user(neighbour, at=timezone.now() - timedelta(days=1))
    browser.post("/t/neighbour/sign-in", {"username": "jane", "password": PASSWORD})
    assert browser.get("/t/acme/open").context["organization"]["name"] == "Acme"
    assert browser.get("/t/neighbour/open").context["organization"]["name"] == "Neighbour"
    browser.post("/t/neighbour/sign-out")
    assert browser.get("/t/neighbour/open").status_code == 302
    assert browser.get("/t/acme/open").status_code == 200


def test_another_tenants_token_in_this_tenants_cookie_opens_nothing(browser, acme, neighbour):
    stolen = Client()
    stolen.cookies[cookie_name(neighbour.id)] = browser.cookies[cookie_name(acme.id)].value
    assert stolen.get("/t/neighbour/open").status_code == 302


def test_a_session_ends_with_the_user_and_with_the_organization(browser, acme, jane):
    now = timezone.now()
    tenants.suspend(tenant=acme, reason="", by=SYSTEM, at=now - timedelta(minutes=2))
    assert browser.get("/t/acme/open").status_code == 302
    tenants.resume(tenant=acme, by=SYSTEM, at=now - timedelta(minutes=1))
    assert browser.get("/t/acme/open").status_code == 200
    with tenant_scope(acme.id):
        users.deactivate(tenant=acme, user_id=jane.id, by=SYSTEM, at=now - timedelta(seconds=1))
    assert browser.get("/t/acme/open").status_code == 302


def group_names(tenant):
    with tenant_scope(tenant.id):
        return list(Group.objects.values_list("name", flat=True))


def test_an_accepted_act_stays(browser, acme):
    assert browser.post("/t/acme/open", {"name": "Team"}).status_code == 200
    assert group_names(acme) == ["Team"]


def test_a_refusal_becomes_errors_of_the_form_and_undoes_everything(browser, acme):
    answer = browser.post("/t/acme/open", {"name": "Team", "loop": "1", "form": "1"})
    assert answer.status_code == 422
    assert "A group cannot contain itself." in answer.content.decode()
    answer = browser.post("/t/acme/open", {"name": "", "form": "1"})
    assert '"name"' in answer.content.decode(), "a model's objection stands at its field"
    assert group_names(acme) == []


def test_without_a_form_a_refusal_becomes_a_message(browser):
    browser.post("/t/acme/open", {"name": "Team", "loop": "1"})
    assert "A group cannot contain itself." in browser.get("/t/acme/open").content.decode()


def test_what_is_missing_is_404(browser, acme):
    assert browser.post("/t/acme/open", {"name": "Team", "missing": "1"}).status_code == 404
    assert group_names(acme) == []


def test_a_refusal_outside_an_attempt_rolls_the_whole_page_back(committed_db):
    acme = make_tenant("acme")
    make_user(acme, at=timezone.now() - timedelta(days=1))
    browser = Client()
    browser.post("/t/acme/sign-in", {"username": "jane", "password": PASSWORD})
    refused = browser.get("/t/acme/late")
    assert refused.status_code == 403
    assert "Nobody gave you Users:delete." in refused.content.decode()
    assert browser.post("/t/acme/late").status_code == 409
    assert group_names(acme) == []


def test_a_permission_that_cannot_be_read_fails_when_the_page_is_written():
    with pytest.raises(ValueError):

        class Typo(TenantPage):
            permission = "Users:raed"


# --- a form whose token is that of an earlier sign-in, in another tab ---------------------------------


@pytest.fixture
def strict(jane):
    """A browser whose forms are checked, signed in at Acme."""
    browser = Client(enforce_csrf_checks=True)
    token = sign_in(jane, at=timezone.now())
    browser.cookies[cookie_name(jane.tenant_id)] = token
    browser.cookies["csrftoken"] = "a" * 32
    return browser


OURS = {"Origin": "http://testserver"}


def nothing_is_kept(acme):
    with tenant_scope(acme.id):
        return not KeptInput.objects.exists() and not Group.objects.exists()


def form_of(browser, username):
    """Sign in, and the token of a form that is drawn then."""
    token = str(browser.get("/t/acme/sign-in").context["csrf_token"])
    typed, headers = {"username": username, "password": PASSWORD}, {"X-CSRFToken": token}
    assert browser.post("/t/acme/sign-in", typed, headers=headers).status_code == 200
    return str(browser.get("/t/acme/open").context["csrf_token"])


def test_a_form_of_before_the_last_sign_in_comes_back_filled(strict):
    old = form_of(strict, "jane")
    form_of(strict, "jane")
    sent = strict.post("/t/acme/open?page=2", {"name": "Night", "csrfmiddlewaretoken": old}, headers=OURS)
    assert (sent.status_code, sent["Location"]) == (302, "/t/acme/open?page=2")
    assert not Group.objects.exists()
    page = strict.get(sent["Location"])
    assert "Nothing was done yet" in page.content.decode()


def test_what_somebody_else_had_typed_in_this_browser_is_gone(strict, acme):
    make_user(acme, "bob", at=timezone.now() - timedelta(days=1))
    old = form_of(strict, "jane")
    form_of(strict, "bob")
    typed = {"name": "Of Jane alone", "csrfmiddlewaretoken": old}
    sent = strict.post("/t/acme/open", typed, headers=OURS)
    assert (sent.status_code, sent["Location"]) == (302, "/t/acme/open")
    assert nothing_is_kept(acme)
    page = strict.get(sent["Location"]).content.decode()
    assert "This page was too old, and nothing was done" in page
    assert "Nothing was done yet" not in page and "Of Jane alone" not in page


ODD = {
    "none": None,
    "empty": "",
    "bare": "a" * 32,
    "made up": "a" * 64,
    "NUL": "\0" * 64,
    "long": "é" * 99_999,
}


@pytest.mark.parametrize("token", ODD.values(), ids=ODD)
def test_a_token_that_names_nobody_keeps_nothing(strict, acme, token):
    form_of(strict, "jane")
    typed = {"name": "Night"} | ({} if token is None else {"csrfmiddlewaretoken": token})
    assert strict.post("/t/acme/open", typed, headers=OURS).status_code == 302
    assert nothing_is_kept(acme)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example", None])
def test_what_another_site_sends_never_comes_to_stand_in_a_form(strict, acme, origin):
    headers = {"Origin": origin} if origin else {}
    sent = strict.post("/t/acme/open", {"name": "Night"}, headers=headers)
    assert sent.status_code == 403
    assert not sent.cookies
    assert nothing_is_kept(acme)


def test_without_a_session_the_page_comes_anew_alike_for_any_organization(acme):
    browser = Client(enforce_csrf_checks=True)
    for slug in ("acme", "nowhere"):
        sent = browser.post(f"/t/{slug}/sign-in", {"username": "jane"}, headers=OURS)
        assert (sent.status_code, sent["Location"]) == (302, f"/t/{slug}/sign-in")
        assert "This page was too old" in browser.get(sent["Location"]).content.decode()


def test_a_door_without_a_page_says_what_to_do(strict):
    assert strict.post("/t/acme/sign-out", headers=OURS).status_code == 403


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(acme):
    """Else the sign-in page would be swapped into a list."""
    answer = Client().get("/t/acme/open?q=a", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer["HX-Redirect"] == "/t/acme/sign-in?next=%2Ft%2Facme%2Fopen%3Fq%3Da"
    assert answer.content == b""
