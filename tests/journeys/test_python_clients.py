"""Authlib and requests-oauthlib, which know nothing of us: services, and people who sign in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session as Authlib
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session as RequestsOAuthlib

from tests.support import proving
from tests.support.browsing import Login
from tests.support.console import Console
from tests.support.portal import RunningPortal
from tests.support.signing_in import Visitor
from tests.support.stage import BACK, Stage

pytestmark = pytest.mark.journey


@dataclass
class Place:
    """An application of its own, shared with the consumer, and the addresses of the consumer's endpoints."""

    portal: RunningPortal
    stage: Stage
    owner: Console  # of the caller

    @property
    def issuer(self) -> str:
        return f"{self.portal.address}/iam/auth/realms/{self.stage.consumer.tenant_id}"

    def at(self, endpoint: str) -> str:
        return f"{self.issuer}/protocol/openid-connect/{endpoint}"

    @property
    def client_id(self) -> str:
        return self.stage.target.client_id

    @property
    def secret(self) -> str:
        return self.stage.target.secret

    @property
    def scope(self) -> str:
        """Spelled out as it is granted: these libraries take any difference for a warning."""
        return f"aud:{self.client_id} openid"

    def visitor(self) -> Visitor:
        return Visitor(Login.of(self.portal.story["consumer"]))


@pytest.fixture(scope="module")
def place(running_portal: RunningPortal, stage: Stage) -> Iterator[Place]:
    found = Place(running_portal, stage, Console.of(running_portal, "consumer"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # http, on loopback only
        yield found


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_gets_a_service_token(place: Place, method: str) -> None:
    """And the target, by the same library, learns who is calling."""
    caller = place.stage.caller
    owner = place.owner
    owner.change_client(caller.client_id, authenticationMethod=method)
    try:
        with Authlib(caller.client_id, caller.secret, token_endpoint_auth_method=method) as session:
            given = session.fetch_token(place.at("token"), grant_type="client_credentials", scope=place.scope)
    finally:
        owner.change_client(caller.client_id, authenticationMethod="client_secret_basic")

    with Authlib(place.client_id, place.secret) as target:
        seen = target.introspect_token(place.at("token/introspect"), token=given["access_token"]).json()
    assert seen["active"] is True
    assert seen["caller"]["applicationId"] == caller.client_id
    assert given["scope"] == place.scope


def test_authlib_proves_itself_by_its_key(place: Place) -> None:
    """Its assertions are for the issuer where it is told so; made its own way, for the token endpoint."""
    caller, key = place.stage.caller.client_id, proving.rsa_key()
    owner = place.owner
    where = f"applications/{caller}/clients/{caller}/keys"
    row = owner.call("POST", where, {"pem": proving.public_pem(key)})
    owner.change_client(caller, authenticationMethod="private_key_jwt")
    try:
        assert signed_by_authlib(place, PrivateKeyJWT(place.issuer))["access_token"]
        with pytest.raises(OAuthError, match="invalid_client"):
            signed_by_authlib(place, PrivateKeyJWT())
        owner.change_client(caller, assertionForTokenEndpoint=True)
        assert signed_by_authlib(place, PrivateKeyJWT())["access_token"]
    finally:
        owner.change_client(
            caller, authenticationMethod="client_secret_basic", assertionForTokenEndpoint=False
        )
        owner.call("DELETE", f"{where}/{row['keyId']}")


def signed_by_authlib(place: Place, method: PrivateKeyJWT) -> dict[str, Any]:
    private = proving.private_pem(proving.rsa_key())
    caller = place.stage.caller.client_id
    with Authlib(caller, private, token_endpoint_auth_method=method) as session:
        given: dict[str, Any] = session.fetch_token(
            place.at("token"), grant_type="client_credentials", scope=place.scope
        )
    return given


def test_authlib_signs_a_person_in(place: Place) -> None:
    with Authlib(
        place.client_id,
        place.secret,
        scope=place.scope,
        redirect_uri=BACK,
        code_challenge_method="S256",
    ) as session:
        verifier = "authlib-" * 6
        address, _ = session.create_authorization_url(place.at("auth"), code_verifier=verifier)
        back = place.visitor().arrives(address, BACK)
        first = dict(
            session.fetch_token(place.at("token"), authorization_response=back, code_verifier=verifier)
        )
        assert session.get(place.at("userinfo")).json()["sub"]
        second = dict(session.refresh_token(place.at("token"), refresh_token=first["refresh_token"]))
        assert second["refresh_token"] != first["refresh_token"]
        kept = session.introspect_token(place.at("token/introspect"), token=second["refresh_token"]).json()
        assert kept["active"] is True
        revoked = session.revoke_token(place.at("revoke"), token=second["refresh_token"])
        assert revoked.status_code == 200
        with pytest.raises(OAuthError, match="invalid_grant"):
            session.refresh_token(place.at("token"), refresh_token=second["refresh_token"])
        assert session.get(place.at("userinfo")).status_code == 401


@pytest.mark.parametrize("in_the_form", [False, True])
def test_requests_oauthlib_gets_a_service_token(place: Place, in_the_form: bool) -> None:
    """By Basic; or as its documents show it first, with the secret in the form."""
    caller = place.stage.caller
    owner = place.owner
    owner.change_client(caller.client_id, secretEitherWay=in_the_form)
    by_form = {"client_secret": caller.secret, "include_client_id": True}
    by_header = {"auth": HTTPBasicAuth(caller.client_id, caller.secret)}
    try:
        with RequestsOAuthlib(
            client=BackendApplicationClient(caller.client_id, scope=place.scope)
        ) as session:
            given = session.fetch_token(place.at("token"), **(by_form if in_the_form else by_header))
    finally:
        owner.change_client(caller.client_id, secretEitherWay=False)
    assert given["access_token"]
    assert set(given.scopes) == set(place.scope.split())


def test_requests_oauthlib_signs_a_person_in(place: Place) -> None:
    basic = HTTPBasicAuth(place.client_id, place.secret)
    with RequestsOAuthlib(place.client_id, redirect_uri=BACK, scope=place.scope, pkce="S256") as session:
        address, _ = session.authorization_url(place.at("auth"))
        back = place.visitor().arrives(address, BACK)
        first = dict(session.fetch_token(place.at("token"), authorization_response=back, auth=basic))
        assert session.get(place.at("userinfo")).json()["sub"]
        second = dict(session.refresh_token(place.at("token"), auth=basic))
        assert second["refresh_token"] != first["refresh_token"]
        with pytest.raises(InvalidGrantError):
            session.refresh_token(place.at("token"), first["refresh_token"], auth=basic)
        where, headers, body = session._client.prepare_token_revocation_request(
            place.at("revoke"), second["access_token"]
        )
        assert session.post(where, body, headers=headers, auth=basic, withhold_token=True).status_code == 200
        assert session.get(place.at("userinfo")).status_code == 401
