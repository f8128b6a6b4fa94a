"""What is set on a client by REST: revisions, addresses, switches, old names of scopes, and who may."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accesscontrol.oauth import scopes
from applications.actions import clients, scope_aliases
from applications.signals import principal_becoming
from iam_portal.errors import Forbidden
from iam_portal.walls import tenant_scope
from tenants.models import HistoryEvent
from tests.applications.calling import Caller, codes
from tests.applications.sides import Side
from tests.support.factories import SYSTEM, listening

DEFAULTS = {
    "kind": "confidential",
    "redirectUris": [],
    "postLogoutRedirectUris": [],
    "webOrigins": [],
    "authenticationMethod": "client_secret_basic",
    "algorithm": "ES256",
    "jwksUri": None,
    "scopeAliases": {},
    "tokenWithoutTarget": True,
    "ignoreUnknownScopes": False,
    "secretEitherWay": False,
    "assertionForTokenEndpoint": False,
    "pkceRequired": True,
    "tokenExchange": False,
    "dpop": "optional",
    "pushedRequests": "optional",
    "backchannelLogoutUri": None,
    "revision": "r-1",
}
CHANGED: dict[str, Any] = {
    "redirectUris": ["https://app.example/cb", "https://app.example/cb?a=b"],
    "postLogoutRedirectUris": ["https://app.example/bye"],
    "webOrigins": ["https://app.example"],
    "authenticationMethod": "private_key_jwt",
    "algorithm": "RS256",
    "jwksUri": "https://app.example/jwks",
    "scopeAliases": {"vehicle.read": "aud:acme.meter acme.meter/viewer", "https://x/y": "openid"},
    "tokenWithoutTarget": False,
    "ignoreUnknownScopes": True,
    "secretEitherWay": True,
    "assertionForTokenEndpoint": True,
    "pkceRequired": False,
    "tokenExchange": True,
    "dpop": "off",
    "pushedRequests": "off",
    "backchannelLogoutUri": "https://app.example/signed-out",
}
OPENING = [
    *({"redirectUris": CHANGED["redirectUris"]}, {"postLogoutRedirectUris": ["https://app.example/bye"]}),
    *({"webOrigins": ["https://app.example"]}, {"authenticationMethod": "tls_client_auth"}),
    *({"jwksUri": "https://a.example/"}, {"secretEitherWay": True}, {"assertionForTokenEndpoint": True}),
    *({"pkceRequired": False}, {"ignoreUnknownScopes": True}, {"scopeAliases": {"old": "aud:acme.other"}}),
    *({"tokenExchange": True}, {"dpop": "off"}, {"pushedRequests": "off"}),
    {"backchannelLogoutUri": "https://app.example/signed-out"},
]


@pytest.fixture
def jane(side: Side) -> Caller:
    own = side.application.id
    return Caller(side, side.person, f"applications/{own}/clients/{own}")


@pytest.fixture
def public(side: Side) -> Caller:
    own = side.application.id
    given = {"redirect_uris": ["https://a.example/cb"], "web_origins": []}
    at = datetime.now(UTC)
    clients.add_public(tenant=side.tenant, application_id=own, by=SYSTEM, at=at, **given)
    return Caller(side, side.person, f"applications/{own}/clients/{own}-frontend")


def test_all_of_it_is_read_and_changed(side: Side, jane: Caller) -> None:
    reply = jane("GET")
    assert (reply["ETag"], reply.json()) == ('"r-1"', {"clientId": side.application.id, **DEFAULTS})
    reply = jane("PATCH", "", CHANGED, **{"If-Match": '"r-1"'})
    assert reply.status_code == 200, reply.content
    assert (reply["ETag"], reply.json()) == ('"r-2"', {**jane("GET").json(), **CHANGED, "revision": "r-2"})
    with tenant_scope(side.tenant.id):
        row = HistoryEvent.objects.filter(action="client.changed").latest("id")
    assert row.after == {"clientId": side.application.id, **CHANGED}
    assert row.before == {name: DEFAULTS[name] or row.before[name] for name in CHANGED}
    back = {name: DEFAULTS[name] for name in CHANGED}
    assert jane("PATCH", "", back).json() == {**reply.json(), **back, "revision": "r-3"}


def test_what_is_left_out_stays_and_nothing_new_is_no_change(jane: Caller) -> None:
    assert jane("PATCH", "", {"redirectUris": ["https://a.example/cb"] * 2}).json()["revision"] == "r-2"
    reply = jane("PATCH", "", {"redirectUris": ["https://a.example/cb"]})
    assert (reply.json()["revision"], reply.json()["redirectUris"]) == ("r-2", ["https://a.example/cb"])
    assert jane("PATCH", "", {}).json()["revision"] == "r-2"


def test_an_old_revision_changes_nothing(jane: Caller) -> None:
    assert jane("PATCH", "", {"algorithm": "RS256"}, **{"If-Match": '"r-1"'}).status_code == 200
    late = jane("PATCH", "", {"pkceRequired": False}, **{"If-Match": '"r-1"'})
    assert (late.status_code, late.json()["code"], late.json()["revision"]) == (
        412,
        "revision_mismatch",
        "r-2",
    )
    assert jane("GET").json()["pkceRequired"] is True
    for nonsense in ("i-" + "0" * 32, "*", "r-x"):
        assert jane("PATCH", "", {}, **{"If-Match": f'"{nonsense}"'}).status_code == 400


def test_every_objection_is_said_at_once(jane: Caller) -> None:
    body = {
        "redirectUris": ["https://ok.example/", "http://a.example/", "com.example.app:/cb"],
        "webOrigins": ["https://a.example/path"],
        "jwksUri": "https://10.0.0.1/",
        "authenticationMethod": "none",
        "scopeAliases": {"openid": "aud:x", "old/name~": "vehicle.read"},
    }
    found = codes(jane("PATCH", "", body))
    assert [pointer for pointer, _ in found] == [
        "/redirectUris/1",
        "/redirectUris/2",
        "/webOrigins/0",
        "/scopeAliases/openid",
        "/scopeAliases/old~1name~0",
        "/jwksUri",
        "/authenticationMethod",
    ]
    assert jane("GET").json()["revision"] == "r-1"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "public"},
        {"clientSecret": "x"},
        {"grant": "password"},
        {"pkceRequired": "no"},
        {"pkceRequired": 0},
        {"pkceRequired": None},
        {"algorithm": "HS256"},
        {"algorithm": "none"},
        {"authenticationMethod": "client_secret_jwt"},
        {"redirectUris": "https://a.example/"},
        {"redirectUris": ["https://a.example/"] * 21},
        {"redirectUris": [None]},
        {"scopeAliases": []},
        {"scopeAliases": {"a": {"b": "c"}}},
        {"scopeAliases": {f"a{number}": "openid" for number in range(51)}},
    ],
)
def test_other_shapes_are_refused(jane: Caller, body: dict[str, Any]) -> None:
    assert jane("PATCH", "", body).status_code == 400
    assert jane("GET").json()["revision"] == "r-1"


@pytest.mark.parametrize(
    "body",
    [
        {"authenticationMethod": "client_secret_post"},
        {"pkceRequired": False},
        {"secretEitherWay": True},
        {"assertionForTokenEndpoint": True},
        {"jwksUri": "https://a.example/"},
        {"redirectUris": []},
    ],
)
def test_a_public_client_stays_one(public: Caller, body: dict[str, Any]) -> None:
    assert [pointer for pointer, _ in codes(public("PATCH", "", body))] == [f"/{next(iter(body))}"]


def test_a_public_client_may_use_a_scheme_of_its_own(public: Caller) -> None:
    uris = ["com.example.app:/cb", "https://a.example/cb"]
    body = {"redirectUris": uris, "postLogoutRedirectUris": uris[:1], "authenticationMethod": "none"}
    assert public("PATCH", "", body).json()["redirectUris"] == uris


@pytest.mark.parametrize("body", OPENING, ids=lambda body: next(iter(body)))
def test_who_may_not_become_the_application_opens_nothing(jane: Caller, body: dict[str, Any]) -> None:
    def refuse(**carried: Any) -> None:
        raise Forbidden("no")

    with listening(principal_becoming, refuse) as asked:
        assert jane("PATCH", "", body).status_code == 403
    assert len(asked) == 1
    assert jane("GET").json() == {**jane("GET").json(), **DEFAULTS}
    assert jane("PATCH", "", body).status_code == 200


def test_a_token_for_everything_is_not_opened_by_everybody(jane: Caller) -> None:
    def refuse(**carried: Any) -> None:
        raise Forbidden("no")

    assert jane("PATCH", "", {"tokenWithoutTarget": False}).status_code == 200
    aliases = {"scopeAliases": {"old": "aud:acme.other"}, "ignoreUnknownScopes": True}
    assert jane("PATCH", "", aliases).status_code == 200
    with listening(principal_becoming, refuse):
        assert jane("PATCH", "", {"tokenWithoutTarget": True}).status_code == 403
        assert jane("PATCH", "", {"scopeAliases": {}}).status_code == 403  # its name would be ignored
        assert jane("PATCH", "", {"ignoreUnknownScopes": False, "scopeAliases": {}}).status_code == 200


def test_closing_is_open_to_all_who_change_clients(jane: Caller) -> None:
    def refuse(**carried: Any) -> None:
        raise Forbidden("no")

    assert jane("PATCH", "", CHANGED).status_code == 200
    kept = ("authenticationMethod", "tokenWithoutTarget")
    closing = {name: DEFAULTS[name] for name in CHANGED if name not in kept}
    with listening(principal_becoming, refuse):
        assert jane("PATCH", "", closing).status_code == 200
        assert jane("PATCH", "", {"redirectUris": CHANGED["redirectUris"][:1]}).status_code == 403


# --- old names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "aud:x",
        "openid",
        "profile",
        "email",
        "offline_access",
        "acme.meter/viewer",
        "a b",
        "",
        'a"',
        "ä",
        "a\\",
        "x" * 101,
    ],
)
def test_an_alias_is_no_word_of_ours(jane: Caller, name: str) -> None:
    reply = jane("PATCH", "", {"scopeAliases": {name: "aud:acme.meter"}})
    assert [code for _, code in codes(reply)] == ["alias_refused"]


@pytest.mark.parametrize(
    "words", ["", " ", "vehicle.read", "aud:", "aud:X", "a/", "openid  aud:x", "aud:x," * 3]
)
def test_an_alias_stands_for_words_of_ours(jane: Caller, words: str) -> None:
    assert jane("PATCH", "", {"scopeAliases": {"old": words}}).status_code == 400


def test_its_words_are_those_of_the_token_endpoint() -> None:
    """The two grammars stand in two layers: what the lower one takes, the upper one understands."""
    words = ["aud:acme.meter", "acme.meter/viewer", "openid", "aud:a", "a.b-c_d/e.f-g_h"]
    assert scope_aliases.errors("", {"old": " ".join(words)}) == []
    asked = scopes.parse(" ".join(words), [])
    assert not asked.has_unknown
    assert all(target.application_id for target in asked.targets)
    for unknown in ("vehicle.read", "https://x/y", "a:b"):
        assert scopes.parse(unknown, []).has_unknown
        assert not scope_aliases.is_ours(unknown)
