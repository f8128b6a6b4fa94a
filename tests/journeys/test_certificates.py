"""Clients with certificates: a real TLS connection to a real Envoy, which tells the portal whose it was."""

import base64
import hashlib
import json
import ssl
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization

from iam_portal.launchers.children import Child, spawn, tail
from iam_portal.launchers.portal import ROOT
from iam_portal.launchers.valkey import free_port
from tests.accesscontrol.oauth.certifying import Issued, issued
from tests.journeys.test_gateway import OPTIONS, envoy
from tests.support.gateways import LOOPBACK, wait_for
from tests.support.portal import RunningPortal

TEMPLATE = ROOT / "docs" / "gateways" / "envoy-certificates.yaml"

pytestmark = pytest.mark.journey

# A client of the consumer's that holds nothing but a certificate, and may act on the portal.
CLIENT = """
from datetime import UTC, datetime
from accesscontrol.actions import assignments
from accesscontrol.actions.assignments import Wanted
from applications.actions import applications
from applications.actions.applications import Details
from applications.models import Client, ClientCertificate
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.models import Tenant, since
tenant = Tenant.objects.get(id="{tenant}")
at, by = datetime.now(UTC), Actor.system("tests")
with tenant_scope(tenant.id):
    details = Details(name="machine", display_name="Machine")
    made = applications.register(owner=tenant, details=details, by=by, at=at, application_id="{client}")
    wanted = Wanted(role="module-manager", application_id="iam-portal", principal_application_id=made.id)
    assignments.assign(tenant=tenant, wanted=wanted, by=by, at=at)
client = Client.objects.get(client_id=made.id)
Client.objects.filter(pk=client.pk).update(token_endpoint_auth_method="self_signed_tls_client_auth")
thumbprint = "{thumbprint}"
ClientCertificate.objects.create(client=client, thumbprint=thumbprint, during=since(at), created_by="test")
"""


@dataclass
class Proxy:
    """Envoy with TLS, and the client behind it; ``own`` are the files of its certificate."""

    address: str
    tenant: str
    client_id: str
    own: tuple[str, str]
    another: tuple[str, str]
    trusted: str
    thumbprint: str
    process: Child

    @property
    def modules(self) -> str:
        return f"/iam/application-management/v1/tenants/{self.tenant}/applications"

    def ask(self, path: str, data: Any = None, cert: Any = None, **headers: str) -> requests.Response:
        method = "POST" if data else "GET"
        return requests.request(
            method,
            self.address + path,
            data=data,
            cert=cert,
            headers=headers,
            verify=self.trusted,
            timeout=20,
        )

    def token(self, cert: Any = None, **headers: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "scope": "aud:iam-portal", "client_id": self.client_id}
        return self.ask("/oauth2/token", form, cert, **headers)


def files(one: Issued, directory: Path, name: str) -> tuple[str, str]:
    private = one.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / f"{name}.pem").write_text(one.pem)
    (directory / f"{name}.key").write_bytes(private)
    return str(directory / f"{name}.pem"), str(directory / f"{name}.key")


@pytest.fixture(scope="module")
def proxy(running_portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    story, directory, port = running_portal.story, tmp_path_factory.mktemp("envoy"), free_port()
    own = issued("CN=machine")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(own.pem)).digest()
    thumbprint = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    tenant = story["consumer"]["tenantId"]
    client_id = f"{story['consumer']['slug']}.machine"
    running_portal.manage(
        "shell", "-v", "0", "-c", CLIENT.format(tenant=tenant, client=client_id, thumbprint=thumbprint)
    )
    server = issued("CN=localhost", names=("localhost",))
    certificate, key = files(server, directory, "server")
    values = {
        "LISTEN_HOST": LOOPBACK,
        "LISTEN_PORT": port,
        "CERTIFICATE": certificate,
        "KEY": key,
        "PROXY_SECRET": running_portal.proxy_secret,
        "PORTAL_HOST": LOOPBACK,
        "PORTAL_PORT": running_portal.address.rpartition(":")[2],
    }
    configuration = directory / "envoy.yaml"
    configuration.write_text(string.Template(TEMPLATE.read_text()).substitute(values))
    command = [envoy(), "-c", configuration, *OPTIONS]
    log = directory / "envoy.log"
    child = spawn("envoy", command, log=log, environment={"HOME": str(directory)}, directory=directory)
    try:
        wait_for(port, child)
        another = files(issued("CN=machine"), directory, "another")
        own_files = files(own, directory, "own")
        address = f"https://localhost:{port}"
        yield Proxy(address, tenant, client_id, own_files, another, certificate, thumbprint, child)
    finally:
        child.stop()


def test_a_machine_gets_a_token_that_is_its_own(proxy: Proxy) -> None:
    """Bound to the certificate: without it, the portal's own doors are closed to whoever has the token."""
    reply = proxy.token(proxy.own)
    assert reply.status_code == 200, (reply.text, tail(proxy.process.log, 20))
    token = reply.json()["access_token"]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["cnf"] == {"x5t#S256": proxy.thumbprint}
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [proxy.ask(proxy.modules, None, cert, **bearer) for cert in (proxy.own, proxy.another, None)]
    assert [answer.status_code for answer in answers] == [200, 401, 401]


def test_others_do_not(proxy: Proxy) -> None:
    assert [proxy.token(cert).status_code for cert in (proxy.another, None)] == [401, 401]


def test_nobody_writes_the_header_himself(proxy: Proxy, running_portal: RunningPortal) -> None:
    """A certificate is no secret, so others may have it: through the proxy, by other names, and past it."""
    pem, _ = proxy.own
    der = base64.b64encode(ssl.PEM_cert_to_DER_cert(Path(pem).read_text())).decode()
    forged = [{name: f":{der}:"} for name in ("ClientCert", "Client-Cert", "Client_Cert", "X_ClientCert")]
    proof = {"X-Portal-Proxy-Secret": "0" * 64}
    for headers in forged:
        for cert in (None, proxy.another):
            assert proxy.token(cert, **headers).status_code == 401
            assert proxy.token(cert, **headers, **proof).status_code == 401
        form = {"grant_type": "client_credentials", "client_id": proxy.client_id}
        past = requests.post(f"{running_portal.address}/oauth2/token", form, headers=headers, timeout=20)
        assert past.status_code == 401
