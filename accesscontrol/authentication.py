"""Who is let in at the REST APIs, and what a view has to declare.

Conventions: the URL keyword of the tenant is ``tenant_id`` (UUID). A view declares either
``permission = "Modules:read"``, or ``permissions = {"GET": "Modules:read", "POST": "Modules:add"}``, or,
for doors of one's own application (``authentication_classes = [ApplicationAuthentication]``),
``permission = "own-application"``: a token that was narrowed to some roles only reads there. A view that
declares nothing is refused as misconfigured.

``request.user`` is a :class:`Principal` (with ``actor``), for an application with ``application`` set.
Names in settings: :class:`ServiceTokenAuthentication`, :class:`ConsoleSessionAuthentication`,
:class:`DeclaredPermission`. A user's token is not taken anywhere here.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accesscontrol import gate
from accesscontrol import reasons as say
from accesscontrol.at_the_door import Door
from accesscontrol.oauth import clients, decision, tokens
from accesscontrol.oauth.claims import narrowed_roles
from accesscontrol.oauth.clients import possession
from accesscontrol.oauth.refusals import CHALLENGE, ClientRefused, ClientThrottled
from applications import facts as sharing_facts
from applications.availability import available
from applications.models import Application
from applications.models.applications import PORTAL_ID
from iam_portal import tracing
from iam_portal.admission import is_of
from iam_portal.errors import DomainError, Kind, NotFound
from iam_portal.gate import Actor, Permission, first_yes
from iam_portal.gate import gate as port
from iam_portal.walls import tenant_scope
from tenants.actions import sessions
from tenants.http.sessions import cookie_name
from tenants.models import UserSession

if TYPE_CHECKING:  # the framework imports this module while it makes that class
    from rest_framework.views import APIView

OWN_APPLICATION = "own-application"


@dataclass(frozen=True, slots=True)
class Principal:
    """What the REST framework calls the user. ``session`` is that of a person at the web UI."""

    actor: Actor
    application: Application | None = None
    session: UserSession | None = None
    door: Door | None = None  # what was read of a service with its token, in this request

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def pk(self) -> str:
        """For throttling by principal."""
        return f"{self.actor.kind}:{self.actor.id}"

    @property
    def home_id(self) -> UUID | None:
        """The tenant whose user or application this is, wherever it acts."""
        return self.actor.tenant_id if self.application is None else self.application.owner_id


class NarrowedToken(DomainError):
    """A token for some of the roles held, where the application itself would have to write.

    Not recorded: the tenant of the path need not be one that the application has to do with.
    """

    code = "forbidden"
    kind = Kind.FORBIDDEN


class TooManyProofs(DomainError):
    """Credentials of this application were refused too often from this network; right ones are taken."""

    code = "too_many_client_proofs"
    kind = Kind.THROTTLED


class ServiceTokenAuthentication(BaseAuthentication):
    """Bearer (RFC 6750): a service token with ``iam-portal`` as its only audience, decided anew."""

    def beforehand(self, request: HttpRequest) -> None:
        """Use up the proof of a key (RFC 9449 §11.1) before the act; ``authenticate`` says what is wrong.

        An act that is refused is taken back: with it, its proof would be good again, for another body.
        """
        value = possession.shown(request)
        if value is None or possession.scheme_of(request) != possession.SCHEME:
            return
        at = timezone.now()
        with suppress(tokens.Unreadable):
            clients.fits(tokens.read(value, at=at), request, token=value, at=at)

    def authenticate(self, request: Request) -> tuple[Principal, dict[str, Any]] | None:
        value = possession.shown(request._request)
        if value is None:
            return None
        at = timezone.now()
        try:
            claims = tokens.read(value, at=at)
        except tokens.Unreadable:
            raise AuthenticationFailed("This token is not accepted.") from None
        if not clients.fits(claims, request._request, token=value, at=at):
            # Stolen, or it came past the proxy that knows its bearer.
            raise AuthenticationFailed("This token is not accepted.")
        # Exactly the string: a list may hold others, who could use the token here.
        found = decision.standing_here(claims, at=at) if claims.get("aud") == PORTAL_ID else None
        if found is None:
            raise AuthenticationFailed("This token is not accepted.")
        standing, door = found
        application = standing.account.application
        actor = _service(application, standing.account.tenant_id, request)
        narrowed = narrowed_roles(claims, PORTAL_ID)
        return Principal(replace(actor, only_roles=narrowed or None), application, door=door), claims

    def authenticate_header(self, request: Request) -> str:
        """The challenge; with the error code when a token was presented (RFC 6750 §3.1)."""
        return possession.challenge(request._request)


class ConsoleSessionAuthentication(BaseAuthentication):
    """The web UI's session: one cookie per tenant, named after the tenant of the path; CSRF is enforced."""

    def authenticate(self, request: Request) -> tuple[Principal, UserSession] | None:
        tenant_id = _path_tenant(request.parser_context)
        value = request.COOKIES.get(cookie_name(tenant_id), "") if tenant_id else ""
        if tenant_id is None or not value:
            return None
        seen = not request.META.get("iam.again")  # the event service, because something moved
        session = _session(tenant_id, value, timezone.now(), seen=seen)
        if session is None:
            return None
        _enforce_csrf(request)
        user = session.user
        actor = Actor("user", str(user.pk), str(user), tenant_id, *_origin(request))
        tracing.acts("user", str(user.pk), tenant_id)
        return Principal(actor, session=session), session


class ApplicationAuthentication(BaseAuthentication):
    """For ``…/application/…``: the application's own credentials by Basic, or its service token here."""

    def authenticate(self, request: Request) -> tuple[Principal, object] | None:
        authorization = request.META.get("HTTP_AUTHORIZATION", "")
        if clients.basic(authorization) is None:
            return ServiceTokenAuthentication().authenticate(request)
        try:
            source = tracing.source_address(request._request)
            client = clients.by_basic(authorization, source=source, at=timezone.now())
        except ClientThrottled as throttled:
            raise TooManyProofs(str(throttled.description), data={"retryAfter": throttled.wait}) from None
        except ClientRefused:
            raise AuthenticationFailed("Client authentication failed.") from None
        application = client.application
        # Its owner has it by no contract.
        facts = sharing_facts.grounds([application.id], tenant_ids=[application.owner_id]).get(application.id)
        if facts is None or not available(facts, tenant_id=str(application.owner_id), at=timezone.now()):
            raise AuthenticationFailed("Client authentication failed.")  # suspended, or its owner is
        return Principal(_service(application, application.owner_id, request), application), client

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class DeclaredPermission(BasePermission):
    """Asks the gate for what the view declares, in the tenant of the path.

    Another tenant than the actor's own answers 404, known or not; 403 only inside the own one.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        declared = _declared(request.method or "", view)
        principal = request.user
        if not isinstance(principal, Principal):
            return False
        is_of(request.META, principal.home_id)
        if declared == OWN_APPLICATION:
            if principal.actor.only_roles is not None and request.method not in SAFE_METHODS:
                raise NarrowedToken(
                    "This token was narrowed to some roles, none of which is for this.",
                    reasons=(say.token_narrowed(),),
                )
            return principal.application is not None
        tenant_id = _path_tenant({"kwargs": view.kwargs})
        if tenant_id is None:
            raise ImproperlyConfigured(f"{type(view).__name__} has no tenant_id in its address.")
        if principal.actor.tenant_id != tenant_id:
            raise NotFound
        door, at = principal.door, getattr(view, "at", None) or timezone.now()
        asked: dict[str, Any] = {"actor": principal.actor, "tenant_id": tenant_id, "at": at}
        answers = port().answers(**asked) if door is None else gate.answers_at(door, **asked)
        first_yes(answers, Permission.alternatives(declared))
        view.answers = answers  # type: ignore[attr-defined]  # of those below a tenant
        return True


def _declared(method: str, view: "APIView") -> str:
    """What the view declares for the method. An undeclared method that it serves is a mistake of ours."""
    single = getattr(view, "permission", None)
    if single is not None:
        return str(single)
    table = getattr(view, "permissions", None)
    if not table:
        raise ImproperlyConfigured(f"{type(view).__name__} declares no permission.")
    found = table.get("GET" if method == "HEAD" else method)
    if found is None:
        if method != "OPTIONS" and hasattr(view, method.lower()):
            raise ImproperlyConfigured(f"{type(view).__name__} declares no permission for {method}.")
        raise MethodNotAllowed(method)
    return str(found)


def _path_tenant(context: Any) -> UUID | None:
    value = (context or {}).get("kwargs", {}).get("tenant_id")
    if value is None or isinstance(value, UUID):
        return value
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _session(tenant_id: UUID, value: str, at: datetime, *, seen: bool) -> UserSession | None:
    with tenant_scope(tenant_id):
        return sessions.resolve(tenant=tenant_id, token=value, at=at, seen=seen)


def _enforce_csrf(request: Request) -> None:
    """As the framework's own session authentication does: a foreign page cannot use the cookie."""

    def unused(_: HttpRequest) -> Any:  # the check never calls on
        return None

    check = CSRFCheck(unused)
    check.process_request(request._request)
    if reason := check.process_view(request._request, unused, (), {}):
        raise PermissionDenied(f"CSRF failed: {reason}")


def _service(application: Application, tenant_id: UUID, request: Request) -> Actor:
    tracing.acts("service", application.id, tenant_id)
    return Actor("service", application.id, application.display_name, tenant_id, *_origin(request))


def _origin(request: Request) -> tuple[str, str]:
    return tracing.request_id(request._request), tracing.source_address(request._request)


class _ServiceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema names these classes; registered by being defined."""

    target_class = ServiceTokenAuthentication
    name = "serviceToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        about = "A service token with `iam-portal` as its only audience."
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": about}


class _ConsoleSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The cookie, and for whatever may change something the proof that the page is one of ours."""

    target_class = ConsoleSessionAuthentication
    name = ["consoleSession", "csrfToken"]  # type: ignore[assignment]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:  # type: ignore[override]
        about = (
            "One cookie per organization, set by its sign-in page; the name ends in its id without dashes, "
            "and has no `__Host-` where the portal is reached without TLS."
        )
        name = "__Host-iam_session_{tenantId}"
        return [
            {"type": "apiKey", "in": "cookie", "name": name, "description": about},
            {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
        ]

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        return {name: [] for name in (self.name[:1] if auto_schema.method == "GET" else self.name)}


class _ApplicationScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The door decides between two ways, so the description names both."""

    target_class = ApplicationAuthentication
    name = "applicationCredentials"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        about = "The id and a secret of a client of the application."
        return {"type": "http", "scheme": "basic", "description": about}

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:  # type: ignore[override]
        return [{self.name: []}, {_ServiceTokenScheme.name: []}]
