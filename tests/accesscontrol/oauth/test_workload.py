"""Workload identity: the token of a cluster or a pipeline stands for a client, as far as it trusts."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol.oauth.clients.workload import covers
from applications.models import Application, Client, TrustedIssuer
from tenants.models.spanned import clipped
from tests.accesscontrol.oauth.asserting import (
    READER,
    REFUSED,
    Signer,
    answer,
    issuer,
    key,
    registered,
    signed,
    trusted,
)
from tests.accesscontrol.oauth.conftest import World, claims_of
from tests.accesscontrol.oauth.issuing import DISCOVERY, Host, host

__all__ = ["host"]  # the fixture
CLUSTER = "https://kubernetes.default.svc.cluster.local"
JOB = "system:serviceaccount:batch:nightly"
HOUR = 3600


class Job(Signer):
    """A batch job with the token that its cluster projected into it."""

    issuer: str = CLUSTER

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(self.world.clock.at.timestamp())
        claims = {
            "iss": self.issuer, "sub": JOB, "aud": [issuer(self.world.globex.id)],
            "exp": now + HOUR, "iat": now, "nbf": now,
            "kubernetes.io": {"namespace": "batch", "serviceaccount": {"name": "nightly"}}, **changed,
        }  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def post(self, assertion: str, path: str = "", **form: Any) -> Any:
        return super().post(assertion, path, **{"client_id": READER, **form})


@pytest.fixture
def job(shared: World) -> Job:
    jwks = {"keys": [{**key().as_dict(private=False), "kid": "cluster-key"}]}
    trusted(shared, issuer=CLUSTER, subject="system:serviceaccount:batch:*", jwks=jwks)
    return Job(shared)


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt", "tls_client_auth"])
def test_a_job_gets_its_token(job: Job, method: str) -> None:
    """As often as it asks, whatever the client's own method is: the trust stands for itself."""
    job.world.set_client(READER, token_endpoint_auth_method=method)
    assertion = job.assertion({"kid": "cluster-key"})
    for path in (job.path, job.path, "/oauth2/token"):
        assert claims_of(job.post(assertion, path))["client_id"] == READER
    assert TrustedIssuer.objects.get().last_used_at == job.world.clock.at


@pytest.mark.parametrize(
    "changed",
    [
        {"sub": "system:serviceaccount:other:nightly"},  # another namespace
        {"sub": "system:serviceaccount:batch-evil:nightly"},
        {"sub": "system:serviceaccount:batch:"},
        {"sub": "system:serviceaccount:batch"},
        {"sub": "System:serviceaccount:batch:nightly"},
        {"sub": "x system:serviceaccount:batch:nightly"},
        {"sub": "system:serviceaccount:batch:*\0"},
        {"sub": ""}, {"sub": None}, {"sub": [JOB]}, {"sub": {"sub": JOB}},
        {"iss": f"{CLUSTER}/"}, {"iss": CLUSTER.upper()}, {"iss": "https://evil.example"}, {"iss": None},
        {"iss": [CLUSTER]}, {"iss": f"{CLUSTER}\0"}, {"iss": "x" * 9000}, {"iss": READER},
        {"aud": "https://kubernetes.default.svc"}, {"aud": None}, {"aud": []}, {"aud": READER},
        {"iat": None}, {"exp": None}, {"iat": "x"}, {"exp": 10**30}, {"typ": 1, "aud": 1},
    ],
    ids=lambda changed: str(changed)[:60],
)  # fmt: skip
def test_everything_else_is_refused(job: Job, changed: dict[str, Any]) -> None:
    assert answer(job.post(job.assertion(**changed))) == REFUSED


def test_for_this_tenant_alone(job: Job) -> None:
    world, mine = job.world, issuer(job.world.globex.id)
    assert job.post(job.assertion(aud=mine)).status_code == 200
    for aud in (
        issuer(world.acme.id),
        f"{mine}/protocol/openid-connect/token",
        [mine, CLUSTER],
        [mine, mine],
    ):
        assert answer(job.post(job.assertion(aud=aud))) == REFUSED
    world.set_client(READER, assertion_for_token_endpoint=True)
    endpoint = f"http://testserver{job.path}"
    assert answer(job.post(job.assertion(aud=endpoint))) == REFUSED, "that switch is for its own assertions"
    elsewhere = job.path.replace(str(world.globex.id), str(world.acme.id))
    assert answer(job.post(job.assertion(), elsewhere)) == REFUSED
    assert b"KC-5" in job.post(job.assertion(aud=issuer(world.acme.id)), elsewhere).content


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"iat": 0, "exp": HOUR}, 200),
        ({"iat": -1, "exp": HOUR}, 401),  # longer than an hour
        ({"iat": -HOUR + 1, "exp": 1}, 200),
        ({"iat": -HOUR, "exp": 0}, 401),
        ({"iat": 30, "nbf": 30, "exp": HOUR}, 200),
        ({"iat": 31, "exp": HOUR}, 401),
        ({"nbf": 31}, 401),
        ({"iat": 0, "exp": HOUR + 1}, 401),
    ],
)
def test_times(job: Job, changed: dict[str, int], status: int) -> None:
    now = int(job.world.clock.at.timestamp())
    moments = {name: now + offset for name, offset in changed.items()}
    assert job.post(job.assertion(**moments)).status_code == status


def test_the_name_of_the_client_is_needed_and_counts(job: Job) -> None:
    for client_id in ("", "globex.nobody", "acme.meter", "neighbour.reader", "nul\0", f"{READER}-frontend"):
        assert answer(job.post(job.assertion(), client_id=client_id)) == REFUSED


def test_the_trust_has_its_span(job: Job) -> None:
    world = job.world
    world.clock.forward(seconds=1)
    assert job.post(job.assertion()).status_code == 200
    Application.objects.filter(id=READER).update(during=clipped(world.clock.at))
    assert answer(job.post(job.assertion())) == REFUSED
    Application.objects.filter(id=READER).update(during=TrustedIssuer.objects.get().during)
    TrustedIssuer.objects.update(during=clipped(world.clock.at))
    assert answer(job.post(job.assertion())) == REFUSED


def test_keys_of_others_do_not_sign(job: Job) -> None:
    other = Job(job.world, key=key("P-256", 1))
    for header in ({}, {"kid": "cluster-key"}, {"kid": "x"}, {"jwk": other.key.as_dict(private=False)}):
        assert answer(other.post(other.assertion(header))) == REFUSED
    assert answer(job.post(job.assertion({"kid": "another"}))) == REFUSED
    registered(job.world, other.key)  # the client's own key says nothing about the cluster
    assert answer(other.post(other.assertion())) == REFUSED
    own = Signer(job.world, key=key())  # and the cluster's none about the client
    assert answer(own.post(own.assertion(), client_id=READER)) == REFUSED
    public = key().as_dict(private=False)
    for secret in (str(public).encode(), public["x"].encode()):
        assert answer(job.post(signed({"alg": "HS256"}, job.claims(), secret))) == REFUSED
    assert answer(job.post(signed({"alg": "none"}, job.claims(), None))) == REFUSED


def test_a_public_client_trusts_nobody(job: Job) -> None:
    public = {"client_id": f"{READER}-frontend", "client_type": "public"}
    Client.objects.filter(client_id=READER).update(token_endpoint_auth_method="none", **public)
    assert answer(job.post(job.assertion(), client_id=f"{READER}-frontend")) == REFUSED


def test_several_rules_of_one_issuer(job: Job) -> None:
    """Each with keys of its own; the rule that means the subject decides by which."""
    jwks = {"keys": [key("P-256", 1).as_dict(private=False)]}
    trusted(job.world, issuer=CLUSTER, subject="repo:acme/meter:ref:refs/heads/main", jwks=jwks)
    ci = Job(job.world, key=key("P-256", 1))
    assert ci.post(ci.assertion(sub="repo:acme/meter:ref:refs/heads/main")).status_code == 200
    assert answer(ci.post(ci.assertion(sub="repo:acme/meter:ref:refs/heads/other"))) == REFUSED
    assert answer(ci.post(ci.assertion())) == REFUSED
    assert job.post(job.assertion()).status_code == 200


@pytest.mark.parametrize(
    ("pattern", "subject", "meant"),
    [
        ("a", "a", True), ("a", "ab", False), ("a", "", False), ("", "", False),
        ("k:ns:*", "k:ns:x", True), ("k:ns:*", "k:ns:x:y", True), ("k:ns:*", "k:ns:", False),
        ("k:ns:*", "k:ns", False), ("repo:org/*", "repo:org/tool", True), ("k:ns:*", "k:nsx:y", False),
        ("repo:*", "repo:org/tool", False), ("repo::*", "repo::x", False),
        ("*", "a", False), (":*", ":a", False), ("/*", "/a", False), ("ns*", "nsx", False),
        ("*:a", "x:a", False), ("n*:b:*", "nx:b:c", False), ("k:ns:**", "k:ns:x", False),
        ("k:ns:*", "k:ns:*", True),
        ("a.c", "abc", False), ("k:ns:[a-z]*", "k:ns:b", False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, subject: str, meant: bool) -> None:
    assert covers(pattern, subject) is meant


def test_keys_by_address_and_by_discovery(shared: World, host: Host) -> None:
    host.serves(key("P-256", 1))
    at = host.url("/cluster")
    host.answers[f"/cluster{DISCOVERY}"] = {"issuer": at, "jwks_uri": host.url()}
    trusted(shared, issuer=at, subject=JOB)
    trusted(shared, issuer=CLUSTER, subject=JOB, jwks_uri=host.url())
    ci = Job(shared, key=key("P-256", 1))
    kid = {"kid": ci.key.thumbprint()}
    for iss in (at, CLUSTER):
        assert ci.post(ci.assertion(kid, iss=iss)).status_code == 200
    assert host.asked == [f"/cluster{DISCOVERY}", "/keys", "/keys"]
    for wrong in ({"iss": host.url("/other")}, {"iss": at, "sub": "x"}, {"iss": at, "aud": "x"}):
        assert answer(ci.post(ci.assertion(kid, **wrong))) == REFUSED
    assert len(host.asked) == 3, "nothing is fetched for what is refused anyway"


def test_an_unknown_client_costs_the_same(job: Job) -> None:
    costs = set()
    for client_id, changed in (
        (READER, {"aud": "x"}), (READER, {"sub": "x"}), (READER, {"iss": "https://x"}), ("globex.nobody", {}),
    ):  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert answer(job.post(job.assertion(**changed), client_id=client_id)) == REFUSED
        costs.add(len(queries))
    assert len(costs) == 1, costs


def test_an_unknown_tenant_is_like_a_foreign_one(job: Job) -> None:
    found = set()
    for tenant_id in (job.world.neighbour.id, uuid4()):
        path = f"/auth/realms/{tenant_id}/protocol/openid-connect/token"
        reply = job.post(job.assertion(aud=issuer(tenant_id)), path)
        found.add((reply.status_code, reply.content))
    assert len(found) == 1
