"""Whatever arrives at an OAuth endpoint, it is answered with what is wrong with it; nothing breaks."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accesscontrol.models import Authorization, AuthorizationCode, RefreshToken
from accesscontrol.oauth.wire import FORM
from tests.accesscontrol.oauth.asserting import TYPE
from tests.accesscontrol.oauth.conftest import Caller, World, basic
from tests.accesscontrol.oauth.people import (
    BACK,
    CHALLENGE,
    FRONTEND,
    METER,
    VERIFIER,
    Person,
    arrive,
    opened,
)

pytestmark = pytest.mark.exhaustive(6)

LONG = "x" * 100_000
WELL_KNOWN = (
    "/iam/auth/realms/{}/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/iam/auth/realms/{}",
)
ENDPOINTS = ("auth", "token", "token/introspect", "revoke", "userinfo", "certs", "logout")
VALUES = (
    "", " ", "\0", "a\0b", "é", "\u202e\ufeff", "\ud800", "%00", "%", "%zz", "..", "'; --", "{}", "[]", "<x>",
    "a.b.c", "a\r\nb", "9" * 400, LONG,
)  # fmt: skip
FIELDS = {
    "auth": (
        "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt",
        "max_age", "display", "ui_locales", "login_hint", "id_token_hint", "acr_values", "claims",
        "code_challenge", "code_challenge_method", "resource", "request", "request_uri", "registration",
        "iam_asked", "dpop_jkt",
    ),
    "token": (
        "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope",
        "resource", "tenant_id", "code", "redirect_uri", "code_verifier", "refresh_token", "username",
        "password", "audience", "assertion",
    ),
    "token/introspect": ("token", "token_type_hint", "client_id", "client_secret", "client_assertion"),
    "revoke": ("token", "token_type_hint", "client_id", "client_secret", "client_assertion"),
    "userinfo": ("access_token", "schema"),
    "logout": ("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state"),
}  # fmt: skip
CREDENTIALS = (
    "", "Basic", "Basic ", "Basic é", "Basic Og==", "Basic ====", f"Basic {LONG}", "Basic AGE6AA==",
    "basic YTpi", "Bearer", "Bearer ", "Bearer a.b.c", "Bearer " + "." * 2000, f"Bearer {LONG}",
    "Bearer \udcff", "Digest x", "Negotiate x", "DPoP x", "\0", "Bearer a b c",
)  # fmt: skip


def encoded(form: dict[str, Any]) -> str:
    """Half characters go as a browser would send them: as bytes that are no text."""
    return urlencode(form, doseq=True, errors="surrogatepass", encoding="utf-8")


@pytest.fixture
def jane(shared: World, settings: Any) -> Person:
    settings.ROOT_URLCONF = "iam_portal.urls"
    person = arrive(shared)
    person.sign_in()
    person.world.browser = Caller(raise_request_exception=False)
    return person


def door(jane: Person, name: str) -> str:
    return f"/iam/auth/realms/{jane.tenant.id}/protocol/openid-connect/{name}"


GOOD = {
    "auth": {
        "client_id": METER,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    },
    "token": {
        "grant_type": "authorization_code",
        "code": "x" * 43,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    },
    "token/introspect": {"token": "x" * 43},
    "revoke": {"token": "x" * 43},
    "logout": {"client_id": METER},
}


def sent(jane: Person, name: str, form: dict[str, Any]) -> Any:
    """By GET where browsers come, by form with the client's secret elsewhere."""
    if name in ("auth", "logout"):
        browser = jane.world.browser  # each new one builds the chain of middleware anew
        browser.cookies.update(jane.browser.cookies)
        reply = browser.get(door(jane, name), QUERY_STRING=encoded(form))
        browser.cookies.clear()
        return reply
    own = {"Authorization": basic(METER, jane.world.secrets[METER])} if name != "userinfo" else {}
    return jane.world.browser.generic("POST", door(jane, name), encoded(form), FORM, headers=own)


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_with_each_hostile_value(jane: Person, name: str) -> None:
    """Once alone, and once twice."""
    wrong = {}
    for place, field in enumerate(FIELDS[name]):
        for number, value in enumerate(VALUES):
            form: dict[str, Any] = {
                **GOOD.get(name, {}),
                field: [value, value] if (place + number) % 4 == 0 else value,
            }
            status = sent(jane, name, form).status_code
            if status not in (200, 302, 400, 401, 403):
                wrong[(field, value[:20])] = status
    assert wrong == {}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_each_method_body_and_header(jane: Person, name: str) -> None:
    wrong, path, browser = {}, door(jane, name), jane.world.browser
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"):
        status = browser.generic(method, path).status_code
        if status >= 500:
            wrong[method] = status
    for kind in (
        FORM,
        "",
        "application/json",
        "multipart/form-data; boundary=x",
        f"{FORM}; charset=base64",
        "text/plain; charset=nonsense",
    ):
        for body in (b"", b"{", b"\xff\xfe", b"&=&&=", b"a=1&" * 1001, b"%", LONG.encode(), b"a" * 3_000_000):
            status = browser.generic("POST", path, body, kind).status_code
            if status >= 500:
                wrong[(kind, body[:20])] = status
    for value in CREDENTIALS:
        for query in ("", "x=1", "a=1&" * 1001, "%00=%ff", "access_token=x"):
            for method in ("GET", "POST"):
                reply = browser.generic(method, path, b"", FORM, QUERY_STRING=query, HTTP_AUTHORIZATION=value)
                if reply.status_code >= 500:
                    wrong[(value[:20], query[:20])] = reply.status_code
    for header in (
        "HTTP_ORIGIN",
        "HTTP_COOKIE",
        "HTTP_ACCEPT_LANGUAGE",
        "HTTP_IF_NONE_MATCH",
        "HTTP_X_FORWARDED_FOR",
        "HTTP_DPOP",
    ):
        for value in ("", "\0", "é", LONG, ";;=;", "null", "*"):
            reply = browser.generic("GET", path, **{header: value})
            if reply.status_code >= 500 or (value[:1] == "\0" and value in str(reply.headers)):
                wrong[(header, value[:20])] = reply.status_code
    assert wrong == {}


def test_each_strange_realm(jane: Person) -> None:
    """Slugs and ids that are none."""
    for realm in (
        "%00",
        "..",
        "%2e%2e",
        "x" * 3000,
        "9" * 400,
        "%F0%9F%92%A9",
        "A B",
        "'--",
        "{}",
        str(jane.tenant.id).upper(),
        "00000000-0000-0000-0000-000000000000",
    ):
        for form in (
            *WELL_KNOWN,
            *(f"/auth/realms/{{}}/protocol/openid-connect/{name}" for name in ENDPOINTS),
        ):
            for method in ("GET", "POST"):
                status = jane.world.browser.generic(method, form.format(realm), b"", FORM).status_code
                assert status < 500, (form, realm)


# What oauthlib or we keep under these names; every parameter of a form becomes an attribute of its request.
OURS = (
    "iam", "user", "user_id", "client", "tenant", "tenant_id", "realm", "grant", "scopes", "claims",
    "session", "sid", "sub", "aud", "roles", "authorization", "code_challenge", "nonce",
    "redirect_uri_named", "exchange", "at", "address", "presented", "thumbprint", "cnf", "bearer",
    "expires_in", "offline", "request", "response_mode", "prompt", "iss", "jti", "id_token", "access_token",
    "refresh_token_expires_in",
)  # fmt: skip


def test_no_name_in_a_form_changes_what_a_person_gets(jane: Person) -> None:
    """At the code, at its exchange and at the refresh."""
    evil = {name: str(jane.world.acme.id) for name in OURS}
    plain = jane.tokens(nonce="n")
    asked = ("request", "response_mode", "prompt", "code_challenge", "nonce")
    code = jane.code(nonce="n", **{name: value for name, value in evil.items() if name not in asked})
    changed = jane.exchange(code, **{name: value for name, value in evil.items() if name != "tenant_id"})
    again = jane.refresh(changed.json()["refresh_token"], **evil)
    for reply in (changed.json(), again.json()):
        for kind in ("access_token", "id_token"):
            one, other = opened(plain[kind]), opened(reply[kind])
            moving = ("jti", "sid", "at_hash")
            assert {**one, **dict.fromkeys(moving)} == {**other, **dict.fromkeys(moving)}
        assert reply["scope"] == plain["scope"]
    assert len({opened(each["access_token"])["sid"] for each in (plain, changed.json())}) == 2


def test_no_name_in_a_form_opens_another_endpoint(jane: Person) -> None:
    evil = dict.fromkeys((*OURS, "active", "token_type"), "true")
    path = door(jane, "token/introspect")
    assert jane.world.post(path, METER, {"token": "x" * 43, **evil}).content == b'{"active": false}'
    for name in ("userinfo", "revoke"):
        sent = {"token": "x", **evil, "access_token": "x"}
        assert jane.world.browser.post(door(jane, name), sent).status_code in (400, 401)


FIELD = st.sampled_from(sorted({*FIELDS["token"], *OURS})) | st.text(max_size=8)
VALUE = (
    st.sampled_from(
        [
            "client_credentials",
            "authorization_code",
            "refresh_token",
            METER,
            FRONTEND,
            TYPE,
            f"aud:{METER}",
            *VALUES[:-2],
        ]
    )
    | st.text()
)


def test_random_forms_at_the_token_endpoint(jane: Person) -> None:
    """As nobody, as a public client, with a right secret: a refusal in JSON, or what was asked for."""
    world = jane.world
    rows = (Authorization.objects, AuthorizationCode.objects, RefreshToken.objects)
    before = [len(jane.rows(one)) for one in rows]
    own = {"Authorization": basic("globex.reader", world.secrets["globex.reader"])}

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(
        st.dictionaries(FIELD, VALUE, max_size=6),
        st.sampled_from(["token", "revoke", "token/introspect"]),
        st.booleans(),
    )
    def ask(form: dict[str, str], name: str, known: bool) -> None:
        body = urlencode(form, errors="surrogatepass", encoding="utf-8")
        reply = world.browser.generic("POST", door(jane, name), body, FORM, headers=own if known else {})
        assert reply.status_code in (200, 400, 401), form
        assert "no-store" in reply["Cache-Control"]
        if reply.status_code != 200:
            said = reply.json()
            text = said["error"] + said.get("error_description", "")
            assert all(0x20 <= ord(each) <= 0x7E and each not in '"\\' for each in text)

    ask()
    assert [len(jane.rows(one)) for one in rows] == before


def test_bytes_that_are_no_text(jane: Person) -> None:
    """In paths and queries, as a server hands them over."""
    for raw in (b"\xff", b"\xed\xa0\x80", b"\xc0\xaf"):
        text = raw.decode("latin-1")
        for name in ENDPOINTS:
            reply = jane.world.browser.generic(
                "GET", "/", PATH_INFO=door(jane, name) + text, QUERY_STRING=quote(raw)
            )
            assert reply.status_code < 500
            reply = jane.world.browser.generic(
                "GET", door(jane, name), QUERY_STRING=f"client_id={text}&state={quote(raw)}"
            )
            assert reply.status_code < 500
