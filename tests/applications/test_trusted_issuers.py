"""Workload identity by REST: whom a client may trust about whom, and whom never."""

import pytest
from django.conf import settings

from tests.applications.calling import Caller, acts, codes
from tests.applications.sides import Side
from tests.support.proving import public_jwk

ISSUER = "https://token.ci.example"


@pytest.fixture
def jane(side: Side) -> Caller:
    own = side.application.id
    return Caller(side, side.person, f"applications/{own}/clients/{own}")


def test_an_issuer_is_trusted_and_no_more(side: Side, jane: Caller) -> None:
    body = {"issuer": ISSUER, "subject": "repo:acme/tool:*", "jwks": {"keys": [public_jwk()]}}
    made = jane("POST", "/trusted-issuers", body).json()
    assert (made["issuer"], made["subject"], made["jwksUri"]) == (ISSUER, "repo:acme/tool:*", None)
    assert made["jwks"] == {"keys": [public_jwk()]}
    assert made in jane("GET", "/trusted-issuers").json()["items"]
    assert jane("POST", "/trusted-issuers", body).json()["code"] == "credential_exists"
    other = {**body, "subject": "repo:acme/other:*", "jwks": None, "jwksUri": f"{ISSUER}/jwks"}
    assert jane("POST", "/trusted-issuers", other).status_code == 201
    assert codes(jane("POST", "/trusted-issuers", {**body, "jwksUri": ISSUER})) == [("", "one_of")]
    assert jane("DELETE", f"/trusted-issuers/{made['issuerId']}").status_code == 204
    assert next(action for action, _ in acts(side)) == "trusted_issuer.revoked"


@pytest.mark.parametrize(
    "subject",
    [
        "*",
        ":*",
        "/*",
        "a*",
        "a:**",
        "a:*b",
        "a:*:b",
        "*:a",
        "https://*",
        " a",
        "a ",
        "a\n",
        "x" * 501,
        "a::*",
    ],
)
def test_a_wildcard_ends_a_fixed_namespace(jane: Caller, subject: str) -> None:
    reply = jane("POST", "/trusted-issuers", {"issuer": ISSUER, "subject": subject})
    assert reply.status_code == 400 or reply.json()["subject"] == subject.strip()
    if "*" in subject:
        assert codes(reply) == [("/subject", "issuer_refused")]


@pytest.mark.parametrize("subject", ["repo:*", "system:*", "https:*", "a::*"])
def test_one_part_is_no_namespace(jane: Caller, subject: str) -> None:
    """``repo:*`` would be every repository of a public issuer."""
    reply = jane("POST", "/trusted-issuers", {"issuer": ISSUER, "subject": subject})
    assert codes(reply) == [("/subject", "issuer_refused")]


@pytest.mark.parametrize(
    "subject", ["system:serviceaccount:jobs:*", "repo:acme/*", "a:b:c", "spiffe://a/b/*"]
)
def test_these_subjects_are_fixed_enough(jane: Caller, subject: str) -> None:
    assert jane("POST", "/trusted-issuers", {"issuer": ISSUER, "subject": subject}).status_code == 201


@pytest.mark.parametrize(
    "issuer",
    [
        "http://token.ci.example",
        "token.ci.example",
        f"{ISSUER}?a=b",
        f"{ISSUER}#a",
        "https://u@token.ci.example",
        "https://10.0.0.1",
        "https://localhost",
        "javascript:alert(1)",
    ],
)
def test_an_issuer_is_an_address_from_outside(jane: Caller, issuer: str) -> None:
    reply = jane("POST", "/trusted-issuers", {"issuer": issuer, "subject": "a"})
    assert codes(reply) == [("/issuer", "issuer_refused")]


def test_the_portal_is_no_issuer_from_outside(
    side: Side, jane: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's ID token would be handed in as the word of an issuer that the client trusts."""
    monkeypatch.setattr(settings, "PORTAL_BASE_URL", "https://iam.example")
    keys = {"jwks": {"keys": [public_jwk()]}}
    for base in ("https://iam.example", "https://IAM.example:443", "https://iam.example."):
        body = {"issuer": f"{base}/iam/auth/realms/{side.tenant.id}", "subject": "a", **keys}
        assert codes(jane("POST", "/trusted-issuers", body)) == [("/issuer", "issuer_refused")]


def test_an_issuer_inside_may_be_trusted_by_its_keys(jane: Caller) -> None:
    inside = {"issuer": "https://10.0.0.1", "subject": "system:serviceaccount:jobs:nightly"}
    assert jane("POST", "/trusted-issuers", {**inside, "jwks": {"keys": [public_jwk()]}}).status_code == 201
