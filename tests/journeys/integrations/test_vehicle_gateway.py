"""A gateway for vehicle data: old scopes, one open token endpoint, tokens that it verifies by itself."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from iam_portal.launchers.story_check import Credentials
from tests.support import certified
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.sending import basic, issued, post, refused
from tests.support.stage import Stage, made_of, registered

pytestmark = pytest.mark.journey
TOKEN = "/auth/oauth/token"
CLUSTER, SCHEDULER = "https://cluster.internal", "system:serviceaccount:jobs:nightly"


@dataclass
class Fleet:
    """A service of the consumer that may call one application, or two."""

    portal: RunningPortal
    stage: Stage
    caller: Credentials
    owner: Console

    def change(self, **settings: Any) -> None:
        self.owner.change_client(self.caller.client_id, **settings)

    def ask(self, **form: str) -> requests.Response:
        """With the header, and no tenant in the address."""
        sent = {"grant_type": "client_credentials", **form}
        return post(self.portal, TOKEN, sent, Authorization=basic(self.caller))

    def verified(self, token: str) -> dict[str, Any]:
        """As the gateway does it, by the keys at the old address."""
        realm = f"{self.portal.address}/auth/realms/{self.stage.consumer.tenant_id}/protocol/openid-connect"
        keys = KeySet.import_key_set(requests.get(f"{realm}/certs", timeout=20).json())
        return dict(jwt.decode(token, keys, algorithms=["ES256", "RS256"]).claims)


@pytest.fixture(scope="module")
def fleet(running_portal: RunningPortal) -> Iterator[Fleet]:
    stage = made_of(running_portal.story)
    stage.caller = registered(stage.consumer)
    stage.share()
    return Fleet(running_portal, stage, stage.caller, Console.of(running_portal, "consumer"))


def test_without_a_scope_everything_that_is_assigned(fleet: Fleet) -> None:
    target = fleet.stage.target.client_id
    one = issued(fleet.ask())
    assert one["scope"] == f"aud:{target}"
    assert fleet.verified(one["access_token"])["aud"] == target

    other = registered(fleet.stage.consumer).client_id
    given = fleet.stage.consumer.give_role(other, "viewer", fleet.caller.client_id)
    two = issued(fleet.ask())
    assert set(two["scope"].split()) == {f"aud:{target}", f"aud:{other}"}
    assert sorted(fleet.verified(two["access_token"])["aud"]) == sorted([target, other])

    path = f"/iam/access-management/v1/tenants/{fleet.stage.consumer.tenant_id}/assignments"
    token = fleet.stage.consumer.new_token()
    ended = fleet.stage.portal.call("DELETE", f"{path}/{given.body['assignmentId']}", token)
    assert ended.status == 204
    fleet.change(tokenWithoutTarget=False)
    refused(fleet.ask(), "invalid_scope")
    fleet.change(tokenWithoutTarget=True)


def test_its_own_names_of_scopes(fleet: Fleet) -> None:
    target = fleet.stage.target.client_id
    refused(fleet.ask(scope="vehicle.read vehicle.status"), "invalid_scope")
    fleet.change(
        scopeAliases={"vehicle.read": f"aud:{target} {target}/viewer"},
        ignoreUnknownScopes=True,
    )

    body = issued(fleet.ask(scope="vehicle.read vehicle.status"))

    assert body["scope"] == f"aud:{target} {target}/viewer", "what was granted, spelled out"
    fleet.change(scopeAliases={}, ignoreUnknownScopes=False)


def test_the_secret_in_the_body(fleet: Fleet) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": fleet.caller.client_id,
        "client_secret": fleet.caller.secret,
    }
    refused(post(fleet.portal, TOKEN, form), "invalid_client")
    fleet.change(secretEitherWay=True)
    body = issued(post(fleet.portal, TOKEN, form))
    issued(fleet.ask())
    fleet.change(secretEitherWay=False)

    claims = fleet.verified(body["access_token"])
    assert claims["iss"] == f"{fleet.portal.address}/iam/auth/realms/{fleet.stage.consumer.tenant_id}"
    assert claims["client_id"] == fleet.caller.client_id
    assert claims["jti"] == body["jti"]
    assert claims["exp"] - claims["iat"] == body["expires_in"]


def test_an_old_gateway_verifies_rs256(fleet: Fleet) -> None:
    fleet.change(algorithm="RS256")
    token = issued(fleet.ask())["access_token"]
    fleet.change(algorithm="ES256")
    assert fleet.verified(token)["client_id"] == fleet.caller.client_id


def test_a_scheduler_shows_what_its_cluster_gave_it(fleet: Fleet) -> None:
    """No secret, and nothing is fetched: the keys of the cluster are registered with it."""
    key = ECKey.generate_key("P-256", {"kid": "cluster-1"})
    trust = {
        "issuer": CLUSTER,
        "subject": "system:serviceaccount:jobs:*",
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    client_id = fleet.caller.client_id
    where = f"applications/{client_id}/clients/{client_id}/trusted-issuers"
    fleet.owner.call("POST", where, trust)
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }

    assertion = projected(fleet, key, SCHEDULER)
    for _ in range(2):  # a cluster's token is shown as long as it lives
        issued(post(fleet.portal, TOKEN, {**form, "client_assertion": assertion}))
    for strange in (
        projected(fleet, key, "system:serviceaccount:web:nightly"),
        projected(fleet, ECKey.generate_key("P-256", {"kid": "cluster-1"}), SCHEDULER),
        projected(fleet, key, SCHEDULER, aud="https://kubernetes.default.svc"),
    ):
        refused(post(fleet.portal, TOKEN, {**form, "client_assertion": strange}), "invalid_client")


def projected(fleet: Fleet, key: ECKey, subject: str, **claims: Any) -> str:
    """The token of a workload, for the portal."""
    now = int(time.time())
    usual = {
        "iss": CLUSTER,
        "sub": subject,
        "aud": f"{fleet.portal.address}/iam/auth/realms/{fleet.stage.consumer.tenant_id}",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "jti": uuid4().hex,
    }
    return jwt.encode({"alg": "ES256", "kid": "cluster-1"}, {**usual, **claims}, key)


def test_a_caller_with_only_a_certificate(running_portal: RunningPortal, tmp_path: Path) -> None:
    """Through the proxy in front, by TLS; test_certificates.py has what is refused there."""
    client_id = certified.service(running_portal)
    form = {"grant_type": "client_credentials", "client_id": client_id}
    with certified.proxy(running_portal, tmp_path) as (base, trusted):
        files = certified.kept(tmp_path)
        body = issued(requests.post(f"{base}{TOKEN}", form, cert=files, verify=trusted, timeout=20))
    assert body["scope"] == f"aud:{running_portal.story['target']['applicationId']}"
