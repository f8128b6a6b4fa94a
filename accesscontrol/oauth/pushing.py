"""Pushed authorization requests (RFC 9126): what is asked for goes from the client to us, past the browser.

Who reads or changes the browser's address then finds a name in it, which is good for a minute, once, and for
this client. Everything that the authorization endpoint checks of a request is checked when it is pushed.
"""

import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauthlib.oauth2.rfc6749.errors import OAuth2Error, UnauthorizedClientError

from accesscontrol.actions import pushed_requests
from accesscontrol.actions.pushed_requests import LIFE
from accesscontrol.models import PushedRequest
from accesscontrol.oauth import clients, wire
from accesscontrol.oauth.authorization_request import Refused, Unanswerable, addressee, read
from accesscontrol.oauth.clients import possession
from accesscontrol.oauth.clients.failures import network_of
from accesscontrol.oauth.clients.living import sound
from accesscontrol.oauth.preflight import PREFLIGHT
from accesscontrol.oauth.realms import Address
from accesscontrol.oauth.refusals import BadRequest
from applications.models import Client
from applications.models.clients import OFF
from iam_portal import problem
from iam_portal.admission import is_of
from iam_portal.tracing import source_address
from iam_portal.walls import tenant_scope
from tenants.actions.tallies import Limit, count
from tenants.models import Tenant

PREFIX = "urn:ietf:params:oauth:request_uri:"
_NAME = re.compile(r"[A-Za-z0-9_-]{43}")
LONGEST = 16_384  # characters of what is kept
# A public client says its name only: whoever says it could fill the table.
OF_PUBLIC = Limit(kind=6, most=300, window=timedelta(minutes=5))
# One that has proved itself counts wherever it comes from: a row stays for half an hour.
OF_CLIENT = Limit(kind=9, most=3_000, window=timedelta(minutes=5))
# All that the authorization endpoint looks at. Nothing else is kept, no credential above all.
KEPT = (
    *("response_type", "response_mode", "redirect_uri", "scope", "resource", "state", "nonce", "prompt"),
    *("max_age", "login_hint", "id_token_hint", "code_challenge", "code_challenge_method", "dpop_jkt"),
    *("request", "registration"),
)


class TooMany(OAuth2Error):
    """Of one client; of a public one, from one network (RFC 9126 §2.3)."""

    error = "temporarily_unavailable"
    status_code = 429

    def __init__(self, wait: int) -> None:
        self.wait = wait
        super().__init__(description="Too many requests were pushed by this client.")

    @property
    def headers(self) -> dict[str, str]:
        """How long until one is taken again."""
        return {"Retry-After": str(self.wait)}


@method_decorator(csrf_exempt, name="dispatch")
class PushView(View):
    """Where they are left; clients prove themselves as at the token endpoint (§2.1)."""

    http_method_names = ["post", "options"]

    def options(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """The preflight of a page that will prove a key."""
        return HttpResponse(status=204, headers=PREFLIGHT)

    @method_decorator(sensitive_variables("form", "posted", "value"))
    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        at, client = timezone.now(), None
        try:
            form = wire.form(request, repeatable=frozenset({"resource"}))
            address = Address(**kwargs)
            client = clients.identify(clients.presented(request, form, address), at=at).client
            if client.client_type == Client.CLIENT_CONFIDENTIAL:
                is_of(request.META, client.application.owner_id)
            query = _query(request, client, at)
            tenant = address.find()
            if tenant is None:
                return problem.response(
                    request, status=404, code="not_found", detail="There is nothing here."
                )
            with tenant_scope(tenant.id):
                value = pushed_requests.push(tenant=tenant, client=client, query=query, at=at)
        except OAuth2Error as error:
            response = wire.refusal(error)
        else:
            told = {"request_uri": PREFIX + value, "expires_in": int(LIFE.total_seconds())}
            response = wire.answer(told, status=201)
        wire.let_origin_read(response, request, client)
        return response


def is_named(sent: QueryDict) -> bool:
    """Whether a browser comes with the name of one. Others are refused where all parameters are read."""
    return sent.get("request_uri", "").startswith(PREFIX)


def opened(sent: QueryDict, *, tenant: Tenant, at: datetime, again: bool) -> PushedRequest:
    """The one that is named, for its client (§4); Unanswerable for one that is used, over or another's.

    ``again``: the browser comes back from our own sign-in page.
    """
    names, ids = sent.getlist("request_uri"), sent.getlist("client_id")
    if len(names) != 1 or len(ids) != 1:
        raise Unanswerable
    value = names[0].removeprefix(PREFIX)
    if not _NAME.fullmatch(value):
        raise Unanswerable
    opening = pushed_requests.open_again if again else pushed_requests.open_first
    found = opening(tenant=tenant, client_id=sound(ids[0]), value=value, at=at)
    if found is None:
        raise Unanswerable
    return found


def _query(request: HttpRequest, client: Client, at: datetime) -> str:
    """What is kept, checked as it will be when a browser comes with it (§2.1, 3)."""
    if client.pushed_requests == OFF:
        raise UnauthorizedClientError(description="This client pushes no requests.")
    posted = wire.posted_form(request)
    if posted.get("request_uri"):
        raise BadRequest("A pushed request names no other one.")
    if wait := count(_counted(request, client), at=at):
        raise TooMany(wait)
    pairs = [(name, value) for name in KEPT for value in posted.getlist(name) if value]
    if thumbprint := _proved(request, client, posted.get("dpop_jkt", ""), at):
        pairs = [pair for pair in pairs if pair[0] != "dpop_jkt"] + [("dpop_jkt", thumbprint)]
    query = urlencode([("client_id", client.client_id), *pairs])
    if len(query) > LONGEST:
        raise BadRequest("The request is too long.")
    sent = QueryDict(query)
    try:
        read(sent, addressee(sent, at=at))
    except Unanswerable:
        raise BadRequest("redirect_uri is missing, or none that is registered.") from None
    except Refused as refused:
        raise _Wrong(refused) from None
    return query


def _counted(request: HttpRequest, client: Client) -> dict[Limit, str]:
    if client.client_type == Client.CLIENT_PUBLIC:
        return {OF_PUBLIC: f"{client.client_id} {network_of(source_address(request))}"}
    return {OF_CLIENT: client.client_id}


def _proved(request: HttpRequest, client: Client, said: str, at: datetime) -> str:
    """A proof that comes with it binds the code to its key (RFC 9449 §10.1); empty without one."""
    if client.dpop == OFF or not request.META.get(possession.HEADER):
        return ""
    proof = possession.read(request, at=at)
    if said not in ("", proof.thumbprint):
        raise possession.ProofRefused("dpop_jkt is another key than the one that was proved.")
    possession.use_up(proof)
    return proof.thumbprint


class _Wrong(OAuth2Error):
    """What the authorization endpoint would tell the client at its address."""

    def __init__(self, refused: Refused) -> None:
        self.error = refused.error
        super().__init__(description=refused.description)
