"""oauthlib's token endpoint with what we offer: four grants, and tokens that we sign ourselves."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.common import Request, urlencode
from oauthlib.oauth2 import BearerToken, ClientCredentialsGrant, RequestValidator, TokenEndpoint
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from accesscontrol.oauth import exchanging, person_grants
from accesscontrol.oauth.exchange import Exchange

EXCHANGE = "iam.exchange"  # in request.META, where a caller's headers arrive as HTTP_… only


class TokenServer(TokenEndpoint):
    """Any other grant answers ``unsupported_grant_type``, a missing one ``invalid_request``.

    Both come from the only grant that is registered, which is the default too.
    """

    def __init__(self, request_validator: RequestValidator, **kwargs: Any) -> None:
        self.request_validator = request_validator
        grant = ClientCredentialsGrant(request_validator, pre_token=[_begin])
        bearer = BearerToken(request_validator, token_generator=_sign, expires_in=_lifetime)
        people = {
            "authorization_code": PersonGrant(request_validator, person_grants.by_code),
            "refresh_token": PersonGrant(request_validator, person_grants.by_refresh_token),
            exchanging.GRANT: PersonGrant(request_validator, exchanging.by_subject_token),
        }
        TokenEndpoint.__init__(
            self,
            default_grant_type="client_credentials",
            grant_types={"client_credentials": grant, **people},
            default_token_type=bearer,
        )


class PersonGrant:
    """A grant in a person's name: who is the client; then what the exchange gives.

    oauthlib's own asks its validator ten questions about a code, one by one; ours is one act on locked rows.
    """

    def __init__(self, request_validator: RequestValidator, exchange: Callable[..., dict[str, Any]]) -> None:
        self._validator, self._exchange = request_validator, exchange

    def create_token_response(
        self, request: Request, token_handler: BearerToken
    ) -> tuple[dict[str, str], str, int]:
        """The headers, the body and the status, as oauthlib's grants answer."""
        try:
            _begin(request)
            self._validator.identify_client(request)
            form = dict(request.decoded_body or [])
            resources = [value for name, value in request.decoded_body or [] if name == "resource"]
            return {}, json.dumps(self._exchange(request.iam, form, resources)), 200
        except OAuth2Error as error:
            return dict(error.headers), error.json, error.status_code


class TokenCore(OAuthLibCore):
    """Hands oauthlib the form, the Authorization header and our own object; nothing else of the request.

    The path is a constant: oauthlib would take a question mark in it for a query, and fail on bad escapes.
    """

    def _extract_params(self, request: HttpRequest) -> tuple[str, str, str, dict[str, Any]]:
        headers = {
            "Authorization": request.META.get("HTTP_AUTHORIZATION", ""),
            EXCHANGE: request.META[EXCHANGE],
        }
        return "/token", "POST", urlencode(self.extract_body(request)), headers


def _begin(request: Request) -> None:
    """Before anything of ours reads the request: set, unconditionally, what a form could have set."""
    exchange = request.headers[EXCHANGE]
    if not isinstance(exchange, Exchange):
        raise TypeError("the token view sets the exchange")
    request.iam = exchange
    request.client = None
    request.user = None
    request.claims = None
    request.state = None  # an error would echo it


def _sign(request: Request) -> str:
    """The token generator. ``jti`` goes into the reply beside the token."""
    request.extra_credentials = {"jti": request.iam.jti}
    if request.iam.proof is not None:
        request.extra_credentials["token_type"] = request.iam.token_type
    return str(request.iam.token())


def _lifetime(request: Request) -> int:
    return int(request.iam.expires_in)
