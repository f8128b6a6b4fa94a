"""npm's openid-client, which knows nothing of us, finds the issuer, gets a token and has it introspected."""

import json
import os
import subprocess
from typing import Any

import pytest

from iam_portal.launchers.portal import ROOT
from tests.support import certified, proving
from tests.support.absence import lacking
from tests.support.console import Console
from tests.support.nodejs import node
from tests.support.portal import RunningPortal

SCRIPT = ROOT / "tests" / "journeys" / "clients" / "openid.mjs"
WAYS = [
    ("oidc", "client_secret_basic"),
    ("oidc", "client_secret_post"),
    ("oauth2", "client_secret_basic"),
]

pytestmark = pytest.mark.journey

EITHER_WAY = "from applications.models import Client; Client.objects.update(secret_either_way=True)"


@pytest.fixture(autouse=True, scope="module")
def either_way(running_portal: RunningPortal) -> None:
    """The story's clients show their secrets in the header; here in the form, too."""
    running_portal.manage("shell", "-v", "0", "-c", EITHER_WAY)


def visit(portal: RunningPortal, algorithm: str, method: str, **more: str) -> dict[str, Any]:
    """What the script found."""
    if not (ROOT / "node_modules" / "openid-client").is_dir():
        lacking("npm's openid-client is not installed: run 'make assets'.")
    story = portal.story
    environment = {
        "PATH": os.environ["PATH"],
        "ISSUER": f"{portal.address}/iam/auth/realms/{story['consumer']['tenantId']}",
        "CLIENT_ID": story["caller"]["applicationId"],
        "CLIENT_SECRET": story["caller"]["clientSecret"],
        "TARGET": story["target"]["applicationId"],
        "TARGET_SECRET": story["target"]["clientSecret"],
        **more,
    }
    command = [*node(), str(SCRIPT), algorithm, method]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("algorithm", "method"), WAYS)
def test_a_foreign_client_is_served(running_portal: RunningPortal, algorithm: str, method: str) -> None:
    story = running_portal.story
    caller, target = story["caller"]["applicationId"], story["target"]["applicationId"]
    tenant = story["consumer"]["tenantId"]
    issuer = f"{running_portal.address}/iam/auth/realms/{tenant}"

    found = visit(running_portal, algorithm, method)

    assert found["metadata"]["issuer"] == issuer
    assert method in found["metadata"]["token_endpoint_auth_methods_supported"]
    assert found["header"]["typ"] == "at+jwt"
    assert found["header"]["alg"] == "ES256"
    claims = found["claims"]
    assert (claims["iss"], claims["aud"], claims["tid"]) == (issuer, target, tenant)
    assert claims["client_id"] == claims["azp"] == caller
    assert claims["roles"]
    assert claims["nbf"] == claims["iat"]
    assert claims["exp"] - claims["iat"] <= 300
    reply = found["reply"]
    assert reply["scope"] == claims["scope"] == f"aud:{target} openid"
    assert reply["token_type"] == "bearer"  # the library writes it small
    assert 0 < reply["expires_in"] <= 300
    assert reply["jti"] == claims["jti"] == found["accepted"]


def without_secret(portal: RunningPortal, method: str) -> dict[str, str]:
    """A service of the consumer that has a key or a certificate, as the script is told of it."""
    client_id = certified.service(portal)
    if method == "self_signed_tls_client_auth":
        return {"CLIENT_ID": client_id, "VOUCHED": json.dumps(certified.vouched(portal))}
    owner, key = Console.of(portal, "consumer"), proving.ec_key("openid")
    where = f"applications/{client_id}/clients/{client_id}/keys"
    owner.call("POST", where, {"pem": proving.public_pem(key)})
    owner.change_client(client_id, authenticationMethod=method)
    return {"CLIENT_ID": client_id, "PRIVATE_KEY": proving.private_pem(key)}


@pytest.mark.parametrize("method", ["private_key_jwt", "self_signed_tls_client_auth"])
def test_a_client_without_a_secret_is_served(running_portal: RunningPortal, method: str) -> None:
    own = without_secret(running_portal, method)
    found = visit(running_portal, "oauth2", method, **own)
    assert found["claims"]["client_id"] == own["CLIENT_ID"]
    assert ("cnf" in found["claims"]) is (method == "self_signed_tls_client_auth")
    assert found["introspectedByTarget"]["active"] is True
    assert found["introspectedByCaller"] == {"active": False}
    assert found["refused"]["error"] == "invalid_scope"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_only_the_target_may_introspect(running_portal: RunningPortal, method: str) -> None:
    story = running_portal.story
    found = visit(running_portal, "oauth2", method)

    heard = found["introspectedByTarget"]
    assert heard["active"] is True
    assert {name: heard[name] for name in found["claims"]} == found["claims"]
    assert heard["caller"]["kind"] == "service"
    assert heard["caller"]["applicationId"] == story["caller"]["applicationId"]
    assert heard["caller"]["tenantId"] == story["consumer"]["tenantId"]
    assert found["introspectedByCaller"] == {"active": False}


def test_a_refusal_is_understood(running_portal: RunningPortal) -> None:
    found = visit(running_portal, "oidc", "client_secret_basic")

    assert found["refused"] == {
        "status": 400,
        "error": "invalid_scope",
        "description": "KC-5: No client match found. Invalid scopes: [aud:nobody.nothing]",
    }
