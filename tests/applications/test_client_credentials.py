"""Keys and certificates by REST, and what holds for every credential: who may, how many, what is stored."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from applications.actions import applications, client_keys, proving
from applications.models import Application, Client, ClientKey
from applications.proofs.keys import of_pem
from applications.signals import principal_becoming
from iam_portal.errors import Forbidden
from tests.applications.calling import Caller, acts, codes
from tests.applications.sides import Side
from tests.support.factories import SYSTEM, listening
from tests.support.knocking import NOBODY
from tests.support.proving import (
    certified,
    ec_key,
    ed_key,
    pem,
    private_jwk,
    private_pem,
    public_jwk,
    public_pem,
    rsa_key,
)

ISSUER = "https://token.ci.example"


@pytest.fixture
def jane(side: Side) -> Caller:
    own = side.application.id
    return Caller(side, side.person, f"applications/{own}/clients/{own}")


# --- keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"jwk": {**public_jwk(ec_key("new")), "kid": "mine"}},
        {"pem": public_pem(ed_key())},
        {"pem": pem(certified("new"))},
    ],
    ids=["jwk", "pem", "certificate"],
)
def test_a_key_is_registered_and_revoked(side: Side, jane: Caller, body: dict[str, Any]) -> None:
    reply = jane("POST", "/keys", {**body, "note": "Build"})
    made = reply.json()
    assert (reply.status_code, made["note"], made["jwksUri"], made["lastUsedAt"]) == (
        201,
        "Build",
        None,
        None,
    )
    assert made["kid"] == of_pem(body["pem"]).kid if "pem" in body else made["jwk"]["kid"] == "mine"
    assert made in jane("GET", "/keys").json()["items"]
    assert jane("POST", "/keys", body).json()["code"] == "credential_exists"
    assert jane("DELETE", f"/keys/{made['keyId']}").status_code == 204
    assert jane("DELETE", f"/keys/{made['keyId']}").status_code == 404
    assert made["keyId"] not in jane("GET", "/keys").content.decode()
    assert jane("POST", "/keys", body).status_code == 201, "again, after its end"
    told = dict(acts(side))
    assert told["client_key.added"]["kid"] == told["client_key.revoked"]["kid"] == made["kid"]


def test_a_key_ends_with_its_certificate_or_before(jane: Caller) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    late = soon + timedelta(days=3000)
    body = {"pem": pem(certified("ending"))}
    ends = certified("ending").not_valid_after_utc
    first = jane("POST", "/keys", {**body, "expiresAt": late.isoformat()}).json()
    assert datetime.fromisoformat(first["expiresAt"]) == ends
    jane("DELETE", f"/keys/{first['keyId']}")
    second = jane("POST", "/keys", {**body, "expiresAt": soon.isoformat()}).json()
    assert datetime.fromisoformat(second["expiresAt"]) == soon
    past = {"jwk": public_jwk(ec_key("past")), "expiresAt": "2020-01-01T00:00:00Z"}
    assert codes(jane("POST", "/keys", past)) == [("/expiresAt", "moment_past")]
    now = datetime.now(UTC)
    over = certified("over", starts_at=now - timedelta(days=9), ends_at=now - timedelta(days=1))
    for path in ("/keys", "/certificates"):
        assert codes(jane("POST", path, {"pem": pem(over)})) == [("/pem", "moment_past")]


def test_a_private_key_is_refused_and_nothing_of_it_is_kept(side: Side, jane: Caller) -> None:
    key = ec_key("travelled")
    secret = private_jwk(key)["d"]
    bodies = [
        ("/keys", {"jwk": private_jwk(key)}, "/jwk"),
        ("/keys", {"pem": private_pem(key)}, "/pem"),
        ("/keys", {"pem": public_pem(key) + private_pem(key)}, "/pem"),
        ("/certificates", {"pem": pem(certified()) + private_pem(key)}, "/pem"),
        ("/certificates", {"subjectDn": "CN=a", "trustAnchorPem": private_pem(key)}, "/trustAnchorPem"),
        (
            "/trusted-issuers",
            {"issuer": ISSUER, "subject": "a", "jwks": {"keys": [private_jwk(key)]}},
            "/jwks",
        ),
    ]
    for path, body, pointer in bodies:
        reply = jane("POST", path, body)
        assert codes(reply) == [(pointer, "private_key")]
        assert secret not in reply.content.decode()
        assert "PRIVATE" not in reply.content.decode()
    kid = of_pem(public_pem(key)).kid
    assert not ClientKey.objects.filter(kid=kid).exists()
    assert everything_that_is_stored().isdisjoint({secret, kid})


def everything_that_is_stored() -> set[str]:
    """Every word of every text and JSON column that these doors write."""
    tables = ("clientkey", "clientcertificate", "trustedissuer", "client")
    words: set[str] = set()
    with connection.cursor() as cursor:
        for table in (*(f"applications_{name}" for name in tables), "tenants_historyevent"):
            cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} t")
            words |= {word for (row,) in cursor.fetchall() for word in row.replace("\\", '"').split('"')}
    return words


def test_where_a_client_publishes_its_keys(jane: Caller) -> None:
    where = "https://keys.example/jwks"
    reply = jane("POST", "/keys", {"jwksUri": where})
    assert (reply.status_code, reply.json()["jwksUri"], reply.json()["keyId"]) == (201, where, None)
    assert jane("GET").json()["jwksUri"] == where
    for refused in (
        "https://10.0.0.1/jwks",
        "https://a@b.example/",
        "ftp://keys.example/",
        "https://169.254.169.254/",
    ):
        assert codes(jane("POST", "/keys", {"jwksUri": refused})) == [("/jwksUri", "address_refused")]
    assert jane("POST", "/keys", {"jwksUri": where, "note": "x"}).status_code == 400
    assert jane("PATCH", "", {"jwksUri": None}).json()["jwksUri"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"note": "x"},
        {"jwk": public_jwk(), "pem": public_pem(ec_key())},
        {"jwk": public_jwk(), "jwksUri": "https://a.example"},
        {"jwk": None},
        {"jwk": "x"},
        {"jwk": [public_jwk()]},
        {"pem": 1},
        {"pem": "x" * 30_000},
        {"jwk": public_jwk(), "secret": "x"},
        private_jwk(),
    ],
)
def test_a_key_is_given_in_one_way(jane: Caller, body: dict[str, Any]) -> None:
    reply = jane("POST", "/keys", body)
    assert reply.status_code == 400
    assert private_jwk()["d"] not in reply.content.decode()


# --- certificates -------------------------------------------------------------------------------------


def test_a_certificate_is_registered_and_revoked(side: Side, jane: Caller) -> None:
    made = jane("POST", "/certificates", {"pem": pem(certified("gateway")), "note": "Gateway"}).json()
    assert (len(made["thumbprint"]), made["subjectDn"], made["trustAnchorPem"]) == (43, None, None)
    assert datetime.fromisoformat(made["expiresAt"]) == certified("gateway").not_valid_after_utc
    assert made in jane("GET", "/certificates").json()["items"]
    again = jane("POST", "/certificates", {"pem": pem(certified("gateway"))})
    assert again.json()["code"] == "credential_exists"
    assert jane("DELETE", f"/certificates/{made['certificateId']}").status_code == 204
    assert [action for action, _ in acts(side)][:2] == ["certificate.revoked", "certificate.added"]


def test_a_certificate_of_tomorrow_counts_from_tomorrow(jane: Caller) -> None:
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    made = jane("POST", "/certificates", {"pem": pem(certified("next", starts_at=tomorrow))}).json()
    assert datetime.fromisoformat(made["startsAt"]) == tomorrow
    soon = (tomorrow - timedelta(hours=1)).isoformat()
    other = {"pem": pem(certified("later", starts_at=tomorrow)), "expiresAt": soon}
    assert codes(jane("POST", "/certificates", other)) == [("/expiresAt", "moment_past")]


def test_a_subject_needs_an_authority(jane: Caller) -> None:
    anchor = pem(certified("authority", authority=True))
    body = {"subjectDn": "CN=robot, O=Acme".replace(", ", ","), "trustAnchorPem": anchor}
    made = jane("POST", "/certificates", body).json()
    assert (made["thumbprint"], made["subjectDn"], made["trustAnchorPem"]) == (
        None,
        "CN=robot,O=Acme",
        anchor,
    )
    leaf = {**body, "trustAnchorPem": pem(certified())}
    assert codes(jane("POST", "/certificates", leaf)) == [("/trustAnchorPem", "not_an_authority")]
    assert codes(jane("POST", "/certificates", {**body, "subjectDn": "robot"})) == [
        ("/subjectDn", "subject_malformed")
    ]
    for partial in ({"subjectDn": "CN=a"}, {"trustAnchorPem": anchor}, {**body, "pem": anchor}, {}):
        assert codes(jane("POST", "/certificates", partial)) == [("", "one_of")]


# --- of all -------------------------------------------------------------------------------------------

BODIES: dict[str, Any] = {
    "/keys": lambda number: {"jwk": public_jwk(ec_key(str(number)))},
    "/certificates": lambda number: {"pem": pem(certified(str(number)))},
    "/trusted-issuers": lambda number: {"issuer": ISSUER, "subject": str(number)},
}


@pytest.mark.parametrize("path", BODIES)
def test_there_are_ten_at_most(jane: Caller, path: str) -> None:
    replies = [jane("POST", path, BODIES[path](number)) for number in range(10)]  # one is there already
    assert [reply.status_code for reply in replies] == [201] * 9 + [409]
    assert replies[-1].json()["code"] == "too_many_credentials"
    assert len(jane("GET", path).json()["items"]) == proving.MOST


@pytest.mark.parametrize("path", BODIES)
def test_who_may_not_become_the_application_adds_nothing(side: Side, jane: Caller, path: str) -> None:
    def refuse(**carried: Any) -> None:
        raise Forbidden("no")

    before = jane("GET", path).json()
    with listening(principal_becoming, refuse) as asked:
        assert jane("POST", path, BODIES[path](1)).status_code == 403
    assert [told["application"] for told in asked] == [side.application]
    assert jane("GET", path).json() == before
    with listening(principal_becoming, refuse):
        name = {"/keys": "key_id", "/certificates": "certificate_id", "/trusted-issuers": "issuer_id"}[path]
        assert jane("DELETE", f"{path}/{side.proofs[name]}").status_code == 204, "ending is open to all"


@pytest.mark.parametrize("path", BODIES)
def test_a_public_client_has_no_credential(side: Side, jane: Caller, path: str) -> None:
    public = {"kind": "public", "redirectUris": ["https://a.example/cb"]}
    here = Caller(side, side.person, f"applications/{side.application.id}/clients")
    assert here("POST", "", public).status_code == 201
    assert here("POST", f"/{side.application.id}-frontend{path}", BODIES[path](1)).status_code == 400
    assert here("GET", f"/{side.application.id}-frontend{path}").json()["items"] == []


@pytest.mark.parametrize("path", BODIES)
def test_of_another_application_it_is_not_found(side: Side, path: str) -> None:
    """The same tenant, the credential of a sibling under one's own client."""
    name = {"/keys": "key_id", "/certificates": "certificate_id", "/trusted-issuers": "issuer_id"}[path]
    sibling = Application.objects.get(owner=side.tenant, name="private")
    for own, client in ((sibling.id, sibling.id), (sibling.id, side.application.id)):
        caller = Caller(side, side.person, f"applications/{own}/clients/{client}")
        assert caller("DELETE", f"{path}/{side.proofs[name]}").status_code == 404
        assert caller("DELETE", f"{path}/{NOBODY}").status_code == 404


def test_secrets_are_listed_without_a_value(jane: Caller) -> None:
    made = jane("POST", "/secrets", {"note": "Batch", "expiresAt": "2099-01-01T00:00:00Z"}).json()
    value = made.pop("clientSecret")
    reply = jane("GET", "/secrets")
    assert made in reply.json()["items"]
    assert value not in reply.content.decode()
    assert {"hint", "note", "startsAt", "expiresAt", "createdBy", "lastUsedAt"} <= set(made)


def test_retirement_ends_every_credential(side: Side) -> None:
    at = datetime.now(UTC)
    applications.retire(tenant=side.tenant, application_id=side.application.id, by=SYSTEM, at=at)
    client = Client.objects.get(client_id=side.application.id)
    for kind in (client.secrets, client.keys, client.certificates, client.trusted_issuers):
        assert kind.exists()
        assert not kind.not_over(at).exists()


def test_the_record_and_the_change_stand_together(
    side: Side, jane: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("history is broken")

    monkeypatch.setattr(client_keys.proving, "record", broken)
    assert jane("POST", "/keys", {"pem": public_pem(rsa_key())}).status_code == 500
    assert not ClientKey.objects.filter(kid=of_pem(public_pem(rsa_key())).kid).exists()
    assert json.dumps(jane("GET", "/keys").json()["items"]).count("keyId") == 1
