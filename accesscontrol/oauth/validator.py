"""Our answers to the questions that oauthlib asks while it works through a token request."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request

from accesscontrol.oauth import clients, exchange
from accesscontrol.oauth.clients import possession
from applications.models import Client
from applications.models.clients import OFF, REQUIRED


class PortalValidator(OAuth2Validator):
    """Hooks of client credentials. What later issues need is refused here, not left to the toolkit."""

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Raises what the endpoint answers with, so that no failure differs from another."""
        _is(request, clients.authenticate(request.iam.presented, at=request.iam.at))
        return True

    def authenticate_client_id(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Never for client credentials: public clients get tokens in a person's name only."""
        return False

    def identify_client(self, request: Request) -> None:
        """Of a grant in a person's name: a confidential client authenticates, a public one says who it is."""
        _is(request, clients.identify(request.iam.presented, at=request.iam.at))

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        return True

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Client, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Every confidential client may act as its application; what it may do there is decided later."""
        return grant_type == "client_credentials" and client.client_type == Client.CLIENT_CONFIDENTIAL

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return []

    def validate_scopes(
        self,
        client_id: str,
        scopes: list[str],
        client: Client,
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """The decision. Afterwards ``request.scopes`` is what was granted, spelled out."""
        form = _form(request)
        resources = [value for key, value in request.decoded_body or [] if key == "resource"]
        scope = form.get("scope", "")
        request.scopes = exchange.decide(request.iam, scope=scope, resources=resources, form=form)
        return True

    def save_bearer_token(self, token: Any, request: Request, *args: Any, **kwargs: Any) -> None:
        """Service tokens have no row: introspection decides anew instead of looking one up."""

    def validate_bearer_token(self, token: str, scopes: list[str], request: Request) -> bool:
        """Never: our own doors read tokens in ``accesscontrol.authentication``."""
        return False

    def validate_jwt_bearer_token(self, token: str, scopes: list[str], request: Request) -> bool:
        """Never: the toolkit's own would let an ID token act as an access token."""
        return False


def _is(request: Request, found: clients.Authenticated) -> None:
    request.iam.client = request.client = found.client
    request.iam.thumbprint = found.thumbprint
    request.iam.proof = _proved(request.iam, found.client)
    request.user = None  # a posted "user" is an attribute of the request by now


def _proved(iam: exchange.Exchange, client: Client) -> possession.Proof | None:
    """The proof of a key, by what is set on the client. Off, it is as if we knew of none (RFC 9449 §5)."""
    if client.dpop == OFF:
        return None
    if iam.request is not None and iam.request.META.get(possession.HEADER):
        return possession.read(iam.request, at=iam.at, fresh=client.dpop == REQUIRED)
    if client.dpop == REQUIRED:
        raise possession.ProofRefused("This client has to prove a key, in the header DPoP.")
    return None


def _form(request: Request) -> dict[str, str]:
    """The parameters as they were posted; repeated ones were refused before (all but ``resource``)."""
    return dict(request.decoded_body or [])
