"""What the SCIM doors share: who is let in, the form of bodies and refusals, versions."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.actions import scim_tokens
from accesscontrol.authentication import Principal, ServiceTokenAuthentication
from accesscontrol.oauth.clients import possession
from accesscontrol.scim.choosing import Chosen, read
from accesscontrol.scim.refused import ScimRefused
from iam_portal import problem as problems
from iam_portal import tracing
from iam_portal.bodies import JSONBody
from iam_portal.errors import DomainError, NotFound
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.models import ScimToken, Tenant
from tenants.policies import Stale
from tenants.rest import TenantAPI

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MEDIA_TYPE = "application/scim+json"
_TAGS = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,80}"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e]{0,80}")*')


class ScimTokenAuthentication(BaseAuthentication):
    """Bearer (RFC 6750): a SCIM token of the tenant of the path. Anything else is left to the next."""

    def authenticate(self, request: Request) -> tuple[Principal, ScimToken] | None:
        scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        value = value.strip()
        if scheme.lower() != "bearer" or not value.startswith(scim_tokens.PREFIX):
            return None
        tenant_id = request.parser_context["kwargs"]["tenant_id"]
        with tenant_scope(tenant_id):
            row = scim_tokens.resolve(tenant_id=tenant_id, value=value, at=timezone.now())
        if row is None:
            raise AuthenticationFailed("This token is not accepted.")
        maker = Actor("user", str(row.made_by_id), str(row.made_by), tenant_id)
        origin = tracing.request_id(request._request), tracing.source_address(request._request)
        tracing.acts("scim", str(row.id), tenant_id)
        return Principal(Actor("scim", str(row.id), row.note, tenant_id, *origin, of=maker)), row

    def authenticate_header(self, request: Request) -> str:
        return possession.challenge(request._request)


class ScimJSON(JSONRenderer):
    """As SCIM names it (RFC 7644 §8.1)."""

    media_type = MEDIA_TYPE
    format = "scim"
    charset = None


class ScimBody(JSONBody):
    """A body under SCIM's own name."""

    media_type = MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class Desk:
    """For whom and by whom a request is served; ``base`` is the address that locations begin with."""

    tenant: Tenant
    by: Actor
    at: datetime
    welcome: str

    @property
    def base(self) -> str:
        return scim_tokens.address(self.tenant.pk)


@extend_schema(exclude=True)  # SCIM describes itself: /Schemas, /ResourceTypes, /ServiceProviderConfig
class ScimAPI(TenantAPI):
    """A SCIM door: tokens only, so that no browser can be made to knock."""

    protocol: ClassVar[str] = "scim"
    from_replica = False  # a token's use is noted
    authentication_classes = [ScimTokenAuthentication, ServiceTokenAuthentication]
    renderer_classes = [ScimJSON, JSONRenderer]
    parser_classes = [ScimBody, JSONBody]

    def handle_exception(self, exc: Exception) -> Response:
        reply = super().handle_exception(exc)
        reply.data = error_of(reply.data)
        reply.content_type = MEDIA_TYPE
        return reply

    def desk(self) -> Desk:
        """Whom a service makes is invited: it has no choice that anybody made."""
        token = self.request.auth
        welcome = token.welcome if isinstance(token, ScimToken) else ScimToken.Welcome.INVITATION
        return Desk(self.tenant, self.actor, self.at, welcome)

    def chosen(self) -> Chosen:
        """The parts of resources that the query asks for."""
        asked = self.request.query_params
        return read(asked.get("attributes"), asked.get("excludedAttributes"))

    def expected(self) -> str | None:
        """``If-Match``, in which a version may stand weak (RFC 7644 §3.14)."""
        return self.request.headers.get("If-Match")

    def answer(self, document: dict[str, Any], *, status: int = 200) -> Response:
        """One resource, with its version; 304 where the caller has it."""
        meta = document["meta"]
        headers = {"ETag": meta["version"], "Cache-Control": "no-store"}
        if self.request.method == "GET" and fits(self.request.headers.get("If-None-Match"), meta["version"]):
            return Response(status=304, headers=headers)
        if status == 201:
            headers["Location"] = meta["location"]
        body = self.chosen().of(document)
        return Response(body, status=status, headers=headers)


class Nowhere(ScimAPI):
    """What is at none of SCIM's addresses, said in SCIM's words."""

    permissions = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), "Users:read")

    def get(self, request: Request, **kwargs: Any) -> Response:
        """404."""
        raise NotFound

    post = put = patch = delete = get


def error_of(problem: Any) -> dict[str, Any]:
    """The same refusal as SCIM says it (RFC 7644 §3.12)."""
    told = {"schemas": [ERROR], "status": str(problem["status"]), "detail": _detail(problem)}
    kind = problem.get("scimType")
    if kind is None and problem["status"] == 400:
        kind = "invalidSyntax" if problem.get("code") == "parse_error" else "invalidValue"
    return {**told, "scimType": kind} if kind else told


def refusal_of(exc: Exception) -> dict[str, Any]:
    """Of one operation of many."""
    return error_of(problems.of(exc))


def fits(header: str | None, version: str) -> bool:
    """Whether a list of entity tags names the version, weakly compared (RFC 9110 §8.8.3.2)."""
    if header is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or version.removeprefix("W/") in tags


def require_version(expected: str | None, version: str) -> None:
    """Stale where the caller saw another version of the locked row; ScimRefused for what is no tag."""
    if expected is None:
        return
    if expected.strip() != "*" and not _TAGS.fullmatch(expected.strip()):
        raise ScimRefused("invalidValue", "If-Match takes the version of a resource.")
    if not fits(expected, version):
        raise Stale("This was changed meanwhile. Nothing was changed by you.")


def _detail(problem: Any) -> str:
    said = [str(each["detail"]) for each in problem.get("errors", ())]
    return " ".join([str(problem["detail"]), *said])


__all__ = ["Desk", "DomainError", "ScimAPI", "error_of", "fits", "refusal_of", "require_version"]
