"""npm's openid-client exchanges tokens, proves keys and pushes requests at the running portal."""

import json
import os
import subprocess
from typing import Any

import pytest

from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.story_check import Credentials
from tests.support.absence import lacking
from tests.support.console import Console
from tests.support.nodejs import node
from tests.support.portal import RunningPortal
from tests.support.stage import Stage, made_of, registered

SCRIPT = ROOT / "tests" / "journeys" / "clients" / "advanced.mjs"
BACK = "https://middle.example/back"

pytestmark = pytest.mark.journey


def visit(stage: Stage, caller: Credentials, last: Credentials, subject: str) -> dict[str, Any]:
    """What the script found."""
    if not (ROOT / "node_modules" / "openid-client").is_dir():
        lacking("npm's openid-client is not installed: run 'make assets'.")
    environment = {
        "PATH": os.environ["PATH"],
        "ISSUER": f"{stage.portal.base}/iam/auth/realms/{stage.consumer.tenant_id}",
        "CALLER": caller.client_id,
        "CALLER_SECRET": caller.secret,
        "MIDDLE": stage.target.client_id,
        "MIDDLE_SECRET": stage.target.secret,
        "LAST": last.client_id,
        "LAST_SECRET": last.secret,
        "SUBJECT": subject,
        "BACK": BACK,
    }
    command = [*node(), str(SCRIPT)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_foreign_client_does_all_of_it(running_portal: RunningPortal) -> None:
    """A service of the consumer calls the provider's application, and that one calls on in its name."""
    stage = made_of(running_portal.story)
    stage.share()
    middle = stage.target.client_id
    caller, last = registered(stage.consumer), registered(stage.consumer)
    given = [(middle, caller), (last.client_id, stage.caller), (last.client_id, stage.target)]
    for application_id, service in given:
        assert stage.consumer.give_role(application_id, "viewer", service.client_id).status == 201
    Console.of(running_portal, "consumer").change_client(caller.client_id, dpop="required")
    Console.of(running_portal, "provider").change_client(
        middle, tokenExchange=True, pushedRequests="required", redirectUris=[BACK]
    )

    found = visit(stage, caller, last, stage.ask().body["access_token"])

    assert found["metadata"]["dpop_signing_alg_values_supported"]
    assert (found["bound"], found["again"], found["plain"]) == ("dpop", "dpop", "bearer")
    assert found["withoutKey"] == "invalid_dpop_proof"
    told = found["introspectedBound"]
    assert (told["active"], told["token_type"]) == (True, "DPoP") and told["cnf"]["jkt"]
    assert found["boundExchanged"] == "invalid_request"
    assert found["exchanged"]["scope"] == f"aud:{last.client_id} openid"
    told = found["introspected"]
    assert told["active"] and told["act"]["client_id"] == told["client_id"] == middle
    assert told["caller"]["applicationId"] == stage.caller.client_id
    assert found["notCalled"] == "unauthorized_client"
    assert "request_uri=urn" in found["address"] and "redirect_uri" not in found["address"]
