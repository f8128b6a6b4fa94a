"""Userinfo (OpenID Connect Core §5.3): who the person is, told to whom he has signed in to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from accesscontrol.oauth import clients, people, tokens, wire
from accesscontrol.oauth.claims import about_person
from accesscontrol.oauth.clients import possession
from accesscontrol.oauth.clients.jwks import ALGORITHMS
from accesscontrol.oauth.people import SignedIn
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.refusals import REALM, BadRequest
from accesscontrol.oauth.scopes import OPENID
from iam_portal.admission import is_of

PREFLIGHT_KEPT = 3_600  # seconds
# Any page may ask: no cookie is looked at, only a token that the page has in its hands anyway.
ANYBODY = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "WWW-Authenticate",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
    "Access-Control-Max-Age": str(PREFLIGHT_KEPT),
}


class BearerRefused(OAuth2Error):
    """A refusal of RFC 6750 §3.1. Without an ``error``: nothing was presented, and nothing is said of it."""

    def __init__(self, error: str = "", description: str = "", status_code: int = 401) -> None:
        self.error = error
        super().__init__(description=description, status_code=status_code)

    @property
    def twotuples(self) -> list[tuple[str, Any]]:
        """What the body holds; the challenge repeats it."""
        said = [("error", self.error), ("error_description", self.description)]
        return [(name, value) for name, value in said if value]

    @property
    def headers(self) -> dict[str, str]:
        """RFC 6750 §3. The description is ours: nothing of the request is in it."""
        said = "".join(f', {name}="{value}"' for name, value in self.twotuples)
        return {"WWW-Authenticate": f'Bearer realm="{REALM}"{said}'}


class ProofLacking(BearerRefused):
    """The same to who came with a token that is bound to a key (RFC 9449 §7.1)."""

    @property
    def headers(self) -> dict[str, str]:
        said = super().headers["WWW-Authenticate"].removeprefix("Bearer")
        return {"WWW-Authenticate": f'DPoP{said}, algs="{" ".join(ALGORITHMS)}"'}


@method_decorator(csrf_exempt, name="dispatch")
class UserinfoView(View):
    """Takes users' tokens only, and of those only the ones that say ``openid``."""

    http_method_names = ["get", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().dispatch(request, *args, **kwargs)
        for name, value in ANYBODY.items():
            response[name] = value
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The preflight of a page that will send the token."""
        return HttpResponse(status=204, headers=PREFLIGHT)

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        return _answer(request, Address(**kwargs))

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        return _answer(request, Address(**kwargs))


@sensitive_variables("token", "claims")
def _answer(request: HttpRequest, address: Address) -> HttpResponse:
    at = timezone.now()
    try:
        token = _presented(request)
        try:
            claims = tokens.read(token, at=at)
        except tokens.Unreadable:
            raise _not_accepted() from None
        if not clients.fits(claims, request, token=token, at=at):  # bound to what is not shown
            raise _not_accepted()
        answer = wire.answer(_about(claims, address, at))
        is_of(request.META, claims["tid"])
        return answer
    except BearerRefused as error:
        if possession.scheme_of(request) == possession.SCHEME:
            error = ProofLacking(error.error, str(error.description or ""), error.status_code)
        return wire.refusal(error)


def _presented(request: HttpRequest) -> str:
    """The token of the header, or of a form's body (RFC 6750 §2.1, §2.2); never of the address (§2.3)."""
    if "access_token" in request.GET:
        raise _bad("A token does not belong into the address.")
    value = possession.shown(request)
    found = [value] if value is not None else []
    if request.method == "POST" and request.content_type == wire.FORM:
        try:
            posted = wire.form(request).get("access_token")
        except BadRequest as error:
            raise _bad(str(error.description)) from error
        found += [posted] if posted is not None else []
    if len(found) > 1:
        raise _bad("The token was sent in more than one way.")
    if not found:
        raise BearerRefused
    return found[0]


def _about(claims: Mapping[str, Any], address: Address, at: datetime) -> dict[str, Any]:
    """The claims, by the scopes of the token; roles are those of this moment."""
    tenant = address.find()
    found = people.standing(claims, tenant=tenant, at=at) if tenant is not None else None
    if found is None:
        raise _not_accepted()
    scopes = claims["scope"].split(" ")
    if OPENID not in scopes:
        text = "The token was not given with the scope openid."
        raise BearerRefused("insufficient_scope", text, 403)
    return {**_person(found, scopes), "roles": found.urns(), "tid": claims["tid"], "tname": claims["tname"]}


def _person(found: SignedIn, scopes: list[str]) -> dict[str, Any]:
    user = found.authorization.user
    about = about_person(
        scopes=scopes,
        username=user.username,
        name=user.display_name,
        email=user.email,
        email_verified=user.email_proven_at is not None,
    )
    return {"sub": str(user.id), **about}


def _not_accepted() -> BearerRefused:
    return BearerRefused("invalid_token", "The token is not known here, or no longer valid.")


def _bad(description: str) -> BearerRefused:
    return BearerRefused("invalid_request", description, 400)
