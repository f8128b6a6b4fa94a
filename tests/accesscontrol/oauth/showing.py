"""Clients that show certificates, as the proxy of an installation tells of them."""

from functools import cache
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accesscontrol.oauth.clients.certificates import thumbprint
from applications.models import Client, ClientCertificate
from tenants.models import since
from tests.accesscontrol.oauth.asserting import GRANT, READER
from tests.accesscontrol.oauth.certifying import CLIENT, Issued, issued
from tests.accesscontrol.oauth.conftest import World

SECRET = "s" * 32
PROOF = {"X-Portal-Proxy-Secret": SECRET}
DN = "CN=meter reader,O=Globex"


@cache
def own() -> Issued:
    return issued("CN=reader")


@cache
def authority(number: int = 0) -> Issued:
    """Several, all with the same name."""
    return issued("CN=Machines,O=Globex", ca=True)


@cache
def leaf() -> Issued:
    return issued(DN, authority(), usage=CLIENT)


@pytest.fixture
def world(shared: World, settings: Settings) -> World:
    settings.PORTAL_CLIENT_CERTIFICATE_HEADER = "ClientCert"
    settings.PORTAL_PROXY_SECRETS = ["p" * 40, SECRET]  # the first is on its way
    return shared


def registers(world: World, method: str, **columns: Any) -> ClientCertificate:
    world.set_client(READER, token_endpoint_auth_method=method)
    return ClientCertificate.objects.create(
        client=Client.objects.get(client_id=READER),
        during=since(world.clock.start),
        created_by="test",
        **columns,
    )


def self_signed(world: World, one: Issued | None = None) -> ClientCertificate:
    one = one or own()
    return registers(world, "self_signed_tls_client_auth", thumbprint=thumbprint(one.certificate))


def by_authority(world: World, subject_dn: str = DN, anchor: str = "") -> ClientCertificate:
    return registers(world, "tls_client_auth", subject_dn=subject_dn, trust_anchor=anchor or authority().pem)


def shows(world: World, one: Issued | str, headers: dict[str, str] | None = None, **form: Any) -> Any:
    """A request of a client whose certificate the proxy has seen."""
    value = one if isinstance(one, str) else one.structured
    sent = {"ClientCert": value, **(PROOF if headers is None else headers)}
    body = {**GRANT, "client_id": READER, **form}
    return world.browser.post("/oauth2/token", body, headers=sent)
