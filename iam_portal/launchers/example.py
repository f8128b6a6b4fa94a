"""The example application beside the demo: docs/examples/iam-django, as Condition Monitoring of its story."""

import http.client
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from iam_portal.launchers.children import Child, LaunchError, spawn, tail
from iam_portal.launchers.portal import ROOT, LocalPortal
from iam_portal.launchers.story_check import Credentials
from iam_portal.launchers.valkey import free_port

PACKAGE = ROOT / "docs" / "examples" / "iam-django"
_READY_SECONDS = 60.0
_TEXT = """\
An application behind the portal: {address} (docs/examples/iam-django)

  curl -s -H "Authorization: Bearer $TOKEN" {address}/          # who calls, and what he may do
  curl -s -H "Authorization: Bearer $TOKEN" {address}/machines  # closed with the pause of the contract
"""


def begin(portal: LocalPortal, application: Credentials) -> str:
    """Start it as this application of the portal, wait until it has its ACL; what to say of it."""
    port = free_port()
    child = start(
        portal.address, application, port=port, state=portal.directory / "example", logs=portal.logs
    )
    portal.supervisor.add(child)
    wait(child, port=port)
    return _TEXT.format(address=f"http://127.0.0.1:{port}")


def start(base: str, application: Credentials, *, port: int, state: Path, logs: Path) -> Child:
    """Under an environment of its own: the portal's secrets are none of its business."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONUNBUFFERED": "1",
        "IAM_BASE": base,
        "IAM_CLIENT_ID": application.client_id,
        "IAM_CLIENT_SECRET": application.secret,
        "IAM_STATE": str(state),
    }
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "example.app:application"]
    log = logs / "example.log"
    return spawn("example", command, log=log, environment=environment, directory=PACKAGE)


def wait(child: Child, *, port: int) -> None:
    """Until it has read its ACL."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and child.alive():
        with suppress(OSError, http.client.HTTPException):
            if _status(port) == http.HTTPStatus.OK:
                return
        time.sleep(0.2)
    raise LaunchError(f"The example does not answer; the end of {child.log}:\n{tail(child.log)}")


def _status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status
    finally:
        connection.close()
