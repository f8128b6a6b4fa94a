"""What a provider, or somebody who plays one, cannot do: each answer that is not sound lets nobody in."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from accesscontrol.oauth.clients import foreign
from accesscontrol.oauth.providers.failing import WAYS
from iam_portal.launchers.portal import ROOT
from iam_portal.walls import tenant_scope
from tests.accesscontrol.oauth.asserting import encoded, key
from tests.accesscontrol.oauth.issuing import says
from tests.accesscontrol.oauth.there import CLIENT, SECRET, There, host, there
from tests.support.factories import make_user

__all__ = ["host", "there"]


@pytest.fixture
def linked(there: There) -> There:
    """Anna would come in, if all were sound."""
    there.links(make_user(there.tenant, "anna", at=there.at))
    return there


# --- the browser and its state --------------------------------------------------------------------------


def test_an_answer_is_good_once_and_in_the_browser_that_asked(linked: There) -> None:
    state = linked.asked()["state"]
    cookies = {name: each.value for name, each in linked.browser.cookies.items()}
    linked.browser.cookies.clear()
    linked.fails("sign_in_elsewhere", linked.comes_back(state))
    linked.browser.cookies.load(cookies)
    linked.fails("sign_in_elsewhere", linked.comes_back("another"))
    linked.fails("sign_in_elsewhere", linked.comes_back(""))
    assert linked.host.forms == [], "no code was redeemed for it"
    linked.browser.cookies.load(cookies)
    assert linked.comes_back(state).status_code == 302 and linked.is_in
    linked.browser.cookies.clear()
    linked.browser.cookies.load(cookies)
    linked.fails("sign_in_used", linked.comes_back(state))


def test_an_answer_comes_in_time(linked: There) -> None:
    state = linked.asked()["state"]
    linked.world.clock.forward(minutes=10)
    linked.fails("sign_in_elsewhere", linked.comes_back(state))


def test_several_tabs_are_on_their_way_at_once(linked: There) -> None:
    first, second = linked.asked(next="/t/globex/users"), linked.asked(next="/t/globex/groups")
    linked.fails("token_nonce", linked.comes_back(first["state"]))  # the host answers for the second only
    assert linked.comes_back(second["state"])["Location"] == "/t/globex/groups"


def test_what_was_begun_with_one_provider_is_none_of_another(linked: There) -> None:
    """Mix-up (RFC 9700 §4.4): each has a return address of its own, and the cookie knows which was asked."""
    state, honest = linked.asked()["state"], linked.provider
    linked.provider.pk, linked.provider.key = None, "evil"
    linked.provider._state.adding = True
    linked.provider.is_default = False
    with tenant_scope(linked.tenant.id):
        linked.provider.save()
    linked.fails("sign_in_elsewhere", linked.comes_back(state))
    assert linked.host.forms == [] and honest is linked.provider


@pytest.mark.parametrize("issuer", ["https://evil.example", "", None])
def test_the_answer_names_the_provider_that_was_asked(linked: There, issuer: str | None) -> None:
    """RFC 9207; also an error. Who announces it and leaves it out was not asked by us."""
    state = linked.asked()["state"]
    linked.fails("issuer_mixed_up", linked.comes_back(state, iss=issuer, error="access_denied"))
    assert linked.host.forms == []


def test_one_that_does_not_announce_it_may_leave_it_out(linked: There) -> None:
    linked.describes(authorization_response_iss_parameter_supported=None)
    assert linked.comes_back(linked.asked()["state"], iss=None).status_code == 302
    assert linked.is_in


def test_a_refusal_there_is_said_in_our_words(linked: There) -> None:
    reply = linked.comes_back(linked.asked()["state"], error="access_denied", error_description="<b>x</b>")
    linked.fails("provider_refused access_denied", reply)
    reply = linked.comes_back(linked.asked()["state"], error="<b>x</b>")
    linked.fails("provider_refused<", reply)
    assert b"<b>x" not in reply.content
    linked.fails("code_missing", linked.comes_back(linked.asked()["state"], code=None))
    linked.fails("sign_in_elsewhere", linked.browser.get(linked.url("/back") + "?state=a&state=b&code=c"))


# --- the ID token ---------------------------------------------------------------------------------------

TOKENS: list[tuple[str, dict[str, Any]]] = [
    ("token_issuer", {"iss": "https://evil.example"}),
    ("token_issuer", {"iss": None}),
    ("token_audience", {"aud": "another"}),
    ("token_audience", {"aud": None}),
    ("token_audience", {"aud": [CLIENT, "another"]}),
    ("token_audience", {"aud": [CLIENT, "another"], "azp": "another"}),
    ("token_audience", {"azp": "another"}),
    ("token_audience", {"aud": [[CLIENT]]}),
    ("token_nonce", {"nonce": "another"}),
    ("token_nonce", {"nonce": None}),
    ("token_nonce", {"nonce": ["x"]}),
    ("token_time", {"exp": None}),
    ("token_time", {"iat": None}),
    ("token_time", {"exp": 1}),
    ("token_time", {"iat": 1}),
    ("token_time", {"iat": 4_000_000_000, "exp": 4_000_000_300}),
    ("token_time", {"nbf": 4_000_000_000}),
    ("token_malformed", {"exp": "soon"}),
    ("token_malformed", {"auth_time": "now"}),
    ("token_malformed", {"iat": True}),
    ("subject_missing", {"sub": None}),
    ("subject_missing", {"sub": 7}),
    ("subject_missing", {"sub": "x" * 256}),
    ("subject_missing", {"sub": ""}),
    ("token_access", {"at_hash": "another"}),
]


@pytest.mark.parametrize(("code", "claims"), TOKENS)
def test_an_unsound_id_token_lets_nobody_in(linked: There, code: str, claims: dict[str, Any]) -> None:
    linked.token = claims
    linked.fails(code)


def test_with_several_in_its_audience_it_names_us(linked: There) -> None:
    linked.token = {"aud": ["another", CLIENT], "azp": CLIENT}
    linked.signs_in()
    assert linked.is_in


@pytest.mark.parametrize(
    ("code", "header"),
    [
        ("token_algorithm", {"alg": "none"}),
        ("token_algorithm", {"alg": "HS256"}),
        ("token_malformed", {"typ": "at+jwt"}),
        ("token_malformed", {"typ": "logout+jwt"}),
        ("token_malformed", {"crit": ["exp"]}),
        ("token_signature", {"kid": "unknown"}),
        ("token_signature", {"alg": "ES256", "kid": "", "jwk": {}}),
    ],
)
def test_only_a_public_key_of_the_provider_signs(linked: There, code: str, header: dict[str, Any]) -> None:
    """No secret (ours is known there, too), no ``none``, no access token, no key that the token brings."""
    linked.header = header
    linked.signs = SECRET.encode() if header.get("alg") == "HS256" else None
    if header.get("alg") == "none":
        linked.signs = b""
    if header.get("jwk") is not None:
        linked.signs = key("P-256", 1)
        linked.header = {**header, "jwk": key("P-256", 1).as_dict(private=False)}
    linked.fails(code)


def test_a_new_key_is_fetched_once(linked: There) -> None:
    linked.signs_in()
    linked.browser.cookies.clear()
    linked.host.serves(key(), key("P-256", 1))
    linked.key = key("P-256", 1)
    linked.host.forward(foreign.AGAIN)
    linked.signs_in()
    assert linked.is_in
    fetched = linked.host.asked.count("/keys")
    linked.browser.cookies.clear()
    for _ in range(3):
        linked.header = {"kid": "made-up"}
        linked.fails("token_signature")
    assert linked.host.asked.count("/keys") == fetched == 2, "made-up names cost no fetch each"


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("token_missing", {"id_token": None}),
        ("token_missing", {"id_token": 7}),
        ("token_malformed", {"id_token": "x.y.z"}),
        ("token_malformed", {"id_token": "e" * 20_000}),
        ("token_algorithm", {"id_token": f"{encoded({'alg': 'dir', 'enc': 'A'})}.e30.x"}),
    ],
)
def test_an_unsound_answer_lets_nobody_in(linked: There, code: str, answer: dict[str, Any]) -> None:
    linked.tokens = answer
    linked.fails(code)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("status_400", says(400, b'{"error": "invalid_grant"}')),
        ("status_302", says(302, Location="https://evil.example")),
        ("no_json", says(body=b"<html>")),
        ("no_json", says(body=b"[]")),
        ("too_large", says(body=b'"' + b"x" * 300_000 + b'"')),
    ],
)
def test_the_code_is_redeemed_in_bounds(linked: There, word: str, answer: Any) -> None:
    state = linked.asked()["state"]
    linked.host.answers["/token"] = answer
    linked.fails(f"code_refused {word}", linked.comes_back(state))


# --- userinfo -------------------------------------------------------------------------------------------


def test_userinfo_is_of_the_same_person(linked: There) -> None:
    """Token substitution: claims of another subject are not taken; what is signed counts before them."""
    linked.describes(userinfo_endpoint=linked.host.url("/me"))
    linked.host.answers["/me"] = {"sub": "another", "email": "boss@corp.example"}
    linked.fails("userinfo_subject")
    linked.host.answers["/me"] = says(401)
    linked.fails("userinfo_refused status_401")
    linked.host.answers["/me"] = {"sub": "anna-1", "email": "evil@corp.example"}
    linked.signs_in()
    assert linked.is_in


# --- discovery and addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"token_endpoint": "https://10.0.0.1/token"},
        {"token_endpoint": None},
        {"jwks_uri": "https://192.168.0.1/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "file:///etc/passwd"},
        {"end_session_endpoint": ["x"]},
    ],
)
def test_a_provider_that_describes_itself_unsoundly_is_not_asked(linked: There, said: dict[str, Any]) -> None:
    """SSRF, and the endpoints of another: where our secret and the codes would go."""
    linked.describes(**said)
    linked.fails("provider_unreachable", linked.browser.get(linked.url()))
    assert linked.host.forms == []


def test_a_name_that_turns_private_leads_nowhere(linked: There, settings: Any) -> None:
    state = linked.asked()["state"]
    settings.PORTAL_FOREIGN_NETWORKS = []
    linked.fails("code_refused address_refused", linked.comes_back(state))
    assert linked.host.forms == []


# --- what leaves, and what is said ----------------------------------------------------------------------


def test_nowhere_else_after_a_sign_in(linked: There) -> None:
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        linked.browser.cookies.clear()
        assert linked.signs_in(next=wanted)["Location"] == "/t/globex/"


def test_the_cookie_tells_nothing_and_the_address_no_secret(linked: There) -> None:
    reply = linked.browser.get(linked.url())
    query = dict(parse_qsl(urlsplit(reply["Location"]).query))
    assert set(query) == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    [cookie] = [each for name, each in linked.browser.cookies.items() if name.startswith("iam_there_")]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    for part in (query["state"], query["nonce"], "corp", SECRET):
        assert part not in cookie.value and part.encode() not in base64.urlsafe_b64decode(cookie.value)
    assert json.dumps(linked.host.forms) == "[]"
    assert reply["Referrer-Policy"] == "no-referrer" and "no-store" in reply["Cache-Control"]


def test_each_way_to_fail_stands_in_the_guide() -> None:
    guide = (ROOT / "docs" / "identity-providers.md").read_text()
    rows = {f"| `{code}` | {said} | {advice} |" for code, (said, advice) in WAYS.items()}
    assert {row for row in rows if row not in guide.splitlines()} == set()
