"""What arrives that no honest client sends, and what the endpoint must keep apart from it."""

from typing import Any
from urllib.parse import urlencode

import pytest

from accesscontrol.actions import keys
from accesscontrol.models import SigningKey
from accesscontrol.oauth import exchange, views
from accesscontrol.oauth.metrics import TOKENS
from accesscontrol.oauth.wire import FORM
from tests.accesscontrol.oauth.conftest import World, basic, claims_of

READER, METER = "globex.reader", "acme.meter"
GRANT = {"grant_type": "client_credentials", "scope": f"aud:{METER}"}
PATHS = (
    "/iam/access-management/v1/tenants/{}/openid-connect/token",
    "/iam/access-management/v1/tenants/{}/openid-connect/token/introspect",
    "/auth/realms/{}/protocol/openid-connect/token",
)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, "unsupported_grant_type"),
        ({**GRANT, "scope": [f"aud:{METER}", "openid"]}, "invalid_request"),
        ({**GRANT, "grant_type": ["password", "client_credentials"]}, "invalid_request"),
        ({**GRANT, "client_id": [READER, READER]}, "invalid_request"),
        ({f"field{number}": "x" for number in range(1001)}, "invalid_request"),
    ],
)
def test_wrong_words(shared: World, form: dict[str, Any], error: str) -> None:
    """Trap 14, and more fields than Django takes (trap 13)."""
    response = shared.post("/oauth2/token", READER, form)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response["Content-Type"].startswith("application/json")


def test_parameters_in_the_address(shared: World) -> None:
    for query in ("grant_type=client_credentials", "x=%zz", "token=abc"):
        for path in ("/oauth2/token", PATHS[1].format(shared.globex.id)):
            response = shared.post(f"{path}?{query}", READER, {**GRANT, "token": "x"})
            assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "path",
    [
        "/auth/realms/x%3Fa%25zz/protocol/openid-connect/token",
        "/auth/realms/%00/protocol/openid-connect/token",
    ],
)
def test_strange_paths(shared: World, path: str) -> None:
    assert shared.post(path, READER, GRANT).json()["error"] == "invalid_scope"


def test_other_bodies(shared: World) -> None:
    header = {"Authorization": basic(READER, shared.secrets[READER])}
    response = shared.browser.post("/oauth2/token", GRANT, content_type="application/json", headers=header)
    assert response.json()["error"] == "invalid_request"
    torn = shared.browser.post(
        "/oauth2/token", b"x", content_type="multipart/form-data; boundary=\xff", headers=header
    )
    assert torn.json()["error"] == "invalid_request"
    assert shared.browser.get("/oauth2/token").status_code == 405


KINDS = (
    *(
        f"multipart/form-data; charset={name}; boundary=x"
        for name in ("base64", "rot13", "idna", "uu", "utf-8")
    ),
    *(
        f"{FORM}; charset={name}"
        for name in ("base64", "rot13", "idna", "uu", "utf-16", "latin-1", "nonsense")
    ),
    *("multipart/form-data; boundary=x", "text/plain", "application/json", "", "nonsense"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_is_urlencoded_utf_8(shared: World, kind: str) -> None:
    header = {"Authorization": basic(READER, shared.secrets[READER])}
    multipart = (
        b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--\r\n'
    )
    body = multipart if kind.startswith("multipart") else urlencode(GRANT).encode()
    for path in ("/oauth2/token", *(path.format(shared.globex.id) for path in PATHS)):
        refused = shared.browser.generic("POST", path, body, kind, headers=header)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request"), path


@pytest.mark.parametrize(
    "body", [b"grant_type=client_credentials&x=%FF", b"grant_type=client_credentials&x=\xe9"]
)
def test_what_is_not_utf_8_is_refused(shared: World, body: bytes) -> None:
    header = {"Authorization": basic(READER, shared.secrets[READER])}
    refused = shared.browser.generic("POST", "/oauth2/token", body, FORM, headers=header)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


def test_the_charset_may_be_named(shared: World) -> None:
    header = {"Authorization": basic(READER, shared.secrets[READER])}
    for kind in (FORM, f"{FORM};charset=UTF-8", f'{FORM}; charset="utf-8"', FORM.title()):
        reply = shared.browser.generic("POST", "/oauth2/token", urlencode(GRANT), kind, headers=header)
        assert reply.status_code == 200, (kind, reply.content)


OURS = (
    "iam", "iam.exchange", "user", "client", "claims", "state", "tenant", "tenant_id", "realm", "address",
    "at", "grant", "bearer", "jti", "expires_in", "extra_credentials", "scopes", "decoded_body", "headers",
    "uri", "body", "token", "access_token", "request", "roles", "sub", "aud", "exp", "tid", "application",
    "client_type", "token_type", "validator_log", "duplicate_params", "http_method", "HTTP_AUTHORIZATION",
)  # fmt: skip


def test_no_posted_name_reaches_our_own_values(shared: World) -> None:
    """Trap 11: every parameter becomes an attribute of oauthlib's request."""
    names = (*OURS, *exchange.Exchange.__dataclass_fields__)
    honest = claims_of(shared.token(READER, shared.globex, f"aud:{METER} openid"))
    for form in (dict.fromkeys(names, "evil"), *({name: "evil"} for name in names)):
        response = shared.token(READER, shared.globex, f"aud:{METER} openid", **form)
        claims = claims_of(response)
        assert {**claims, "jti": ""} == {**honest, "jti": ""}
        assert "evil" not in response.content.decode()
    refused = shared.token(READER, shared.globex, "aud:x", **dict.fromkeys(names, "evil"))
    assert "evil" not in refused.content.decode()


def test_headers_cannot_name_the_exchange(shared: World) -> None:
    header = {
        "Authorization": basic(READER, shared.secrets[READER]),
        "iam.exchange": "evil",
        "iam-tenant": "evil",
    }
    assert shared.browser.post("/oauth2/token", GRANT, headers=header).status_code == 200


def test_one_token_view_class() -> None:
    """Trap 12: a child of a view that has served would use its parent's validator."""
    assert views.TokenView.__subclasses__() == []
    assert views.TokenView.__mro__[1].__module__ == "oauth2_provider.views.base"
    assert "dispatch" not in vars(views.TokenView)


@pytest.mark.one_way
def test_counted_without_tenants(shared: World) -> None:
    def count(outcome: str, reason: str) -> float:
        return TOKENS.labels(outcome=outcome, reason=reason)._value.get()

    before = (
        count("issued", ""),
        count("refused", "application_not_available"),
        count("refused", "invalid_client"),
    )
    shared.token(READER, shared.globex, f"aud:{METER}")
    shared.token(READER, shared.globex, "aud:x")
    shared.browser.post("/oauth2/token", GRANT, headers={"Authorization": basic(READER, "wrong")})
    after = (
        count("issued", ""),
        count("refused", "application_not_available"),
        count("refused", "invalid_client"),
    )
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]


def test_without_a_key_nothing_is_signed(shared: World) -> None:
    SigningKey.objects.update(retired_at=shared.clock.start, withdrawn_at=shared.clock.start)
    keys.forget()
    response = shared.token(READER, shared.globex, f"aud:{METER}")
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
