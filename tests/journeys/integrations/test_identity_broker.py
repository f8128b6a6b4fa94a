"""An identity broker: an administrator makes clients of both kinds in the console, services use them."""

import re
import time
from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from iam_portal.launchers.story_check import Credentials
from tests.support import proving
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.sending import basic, issued, post, refused
from tests.support.signing_in import Relying, Visitor
from tests.support.stage import sides

pytestmark = pytest.mark.journey
TOKEN = "/oauth2/token"
BACK = "http://127.0.0.1:9/oidc/callback"  # nobody asks there


@dataclass
class Broker:
    """What the administrator sees, and the name of the application that he registers."""

    portal: RunningPortal
    console: Console
    application_id: str

    @property
    def tenant_id(self) -> str:
        return self.console.tenant_id

    def fill(self, page: str, **form: str) -> str:
        return self.console.fill(f"applications/{self.application_id}/{page}", **form)

    def may_read_applications(self, reply: requests.Response) -> bool:
        """Whether the bearer is taken at a resource, which nobody without one reads."""
        path = f"/iam/application-management/v1/tenants/{self.tenant_id}/applications"
        bearer = {"Authorization": f"Bearer {issued(reply)['access_token']}"}
        assert requests.get(self.portal.address + path, timeout=20).status_code == 401
        return requests.get(self.portal.address + path, headers=bearer, timeout=20).status_code == 200


@pytest.fixture
def broker(running_portal: RunningPortal) -> Broker:
    """An application fresh from the console's page, which may read applications by the portal's REST."""
    console = Console.of(running_portal, "consumer")
    name = f"broker-{uuid4().hex[:8]}"
    application_id = f"{console.login.slug}.{name}"
    console.fill("register-application", display_name=name, name=name, application_id=application_id)
    _, consumer = sides(running_portal.story)
    assert consumer.give_role("iam-portal", "module-manager", application_id).status == 201
    return Broker(running_portal, console, application_id)


def test_a_service_with_a_shared_secret(broker: Broker) -> None:
    shown = broker.fill("secrets/new", note="Broker")
    value = re.search(r'id="secret-value">([^<]+)<', shown)
    assert value is not None, shown
    client = Credentials(broker.application_id, value[1])
    form = {"grant_type": "client_credentials", "scope": "aud:iam-portal"}

    reply = post(broker.portal, TOKEN, form, Authorization=basic(client))

    assert broker.may_read_applications(reply)
    wrong = Credentials(broker.application_id, "x" * 43)
    refused(post(broker.portal, TOKEN, form, Authorization=basic(wrong)), "invalid_client")


def test_a_service_with_an_uploaded_rsa_key(broker: Broker) -> None:
    key = proving.rsa_key()
    broker.fill("keys/new", key=proving.public_pem(key))
    broker.fill(f"clients/{broker.application_id}", authentication_method="private_key_jwt")
    private = RSAKey.import_key(proving.private_pem(key))
    now = int(time.time())
    claims = {
        "iss": broker.application_id,
        "sub": broker.application_id,
        "aud": f"{broker.portal.address}/iam/auth/realms/{broker.tenant_id}",
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
    }
    form = {
        "grant_type": "client_credentials",
        "scope": "aud:iam-portal",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": "RS256"}, claims, private),
    }

    reply = post(broker.portal, TOKEN, form)

    assert broker.may_read_applications(reply)
    refused(post(broker.portal, TOKEN, form), "invalid_client")  # the same assertion again


def test_a_client_for_openid_connect(broker: Broker) -> None:
    """The provider is found as the broker finds it; the person signs in; userinfo says who it is."""
    shown = broker.fill("secrets/new", note="Sign-in")
    value = re.search(r'id="secret-value">([^<]+)<', shown)
    assert value is not None, shown
    broker.fill(f"clients/{broker.application_id}", redirect_uris=BACK)
    issuer = f"{broker.portal.address}/iam/auth/realms/{broker.tenant_id}"
    found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=20).json()
    login = Login.of(broker.portal.story["consumer"])
    realm = found["token_endpoint"].removesuffix("/token")
    relying = Relying(realm, (quote(broker.application_id), value[1]), BACK)

    given = relying.signed_in(Visitor(login))

    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    person = requests.get(found["userinfo_endpoint"], headers=bearer, timeout=20).json()
    assert person["preferred_username"] == login.username
    assert person["email"].startswith(login.username)
