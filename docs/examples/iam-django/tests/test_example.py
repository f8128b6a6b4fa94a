"""The example application, in a process of its own: it has its own settings."""

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import CLIENT, TENANT, Clock, Fake, Tokens, claims_of
from iam_django.acl import ACL
from iam_django.events import EVENTS

PATH = f"/iam/access-management/v1/tenants/{TENANT}/openid-connect/token/introspect"
ROLE = "urn:iam:application-role:x:acme.meter:viewer"
PROGRAM = """
import json, sys, time
from example.app import application
from django.test import Client

def get(path, **headers):
    reply = Client(SERVER_NAME="localhost").get(path, headers=headers)
    return [reply.status_code, reply.json() if path != "/ready" else None]

end = time.monotonic() + 20
while get("/ready")[0] != 200 and time.monotonic() < end:
    time.sleep(0.05)
held = {"Authorization": f"Bearer {sys.argv[1]}"}
print(json.dumps([get("/"), get("/", **held), get("/machines", **held)]))
"""


def test_it_says_who_calls_and_what_he_may_do(
    fake: Fake, clock: Clock, token: Tokens, tmp_path: Path
) -> None:
    address = {"owningTenantId": TENANT, "resourceType": "urn:acme:machine", "resourceId": "machines"}
    entry = {**address, "grants": [{"role": ROLE, "privileges": ["read"]}]}
    fake.answers[ACL] = (200, {"revision": 1, "resources": [entry], "changed": [], "removed": []})
    fake.answers[EVENTS] = (200, {"items": [], "next": 3})
    said = {**claims_of(fake, clock), "exp": 9_999_999_999}
    fake.answers[PATH] = (200, {"active": True, "token_type": "Bearer", **said})
    environment = {
        "PATH": os.defpath,
        "IAM_BASE": fake.base,
        "IAM_CLIENT_ID": CLIENT,
        "IAM_CLIENT_SECRET": "s",
        "IAM_STATE": str(tmp_path),
    }
    command = [sys.executable, "-c", PROGRAM, token()]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    nobody, somebody, machines = json.loads(done.stdout)
    assert nobody == [401, {"detail": "Send a token."}]
    assert somebody[1]["may"] == [{**address, "privileges": ["read"]}]
    assert machines == [200, {"machines": [{"owner": TENANT, "name": "Press 7"}]}]
    assert (tmp_path / "acl.json").exists()
