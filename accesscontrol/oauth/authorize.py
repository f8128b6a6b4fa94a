"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): a person's browser comes and goes.

No consent is asked: which applications are here, and who may do what in them, is for the tenant's
administrators to say. Nothing of a client or an application is told before the person has signed in.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from accesscontrol.actions import sign_ins
from accesscontrol.oauth import browsers, metrics, sign_in_decision, tokens
from accesscontrol.oauth.authorization_request import (
    Addressee,
    AuthorizationRequest,
    Refused,
    Unanswerable,
    addressee,
    read,
    wants_silence,
)
from accesscontrol.oauth.claims import issuer, roles_named
from accesscontrol.oauth.realms import Address
from iam_portal.admission import is_of
from iam_portal.decision import Decision
from iam_portal.walls import tenant_scope
from tenants.actions import sessions
from tenants.http.sessions import cookie_name
from tenants.lifetimes import Lifetime, lifetime
from tenants.models import Tenant, UserSession

ASKED = "iam_asked"  # when we sent this very request to the sign-in page; ours alone, signed
ASKED_FOR = timedelta(minutes=30)
_SALT = "iam.authorize"


@method_decorator(csrf_exempt, name="dispatch")
class AuthorizeView(View):
    """Sends the browser to sign in, back to the client with a code or an error, or shows why not."""

    http_method_names = ["get", "post"]  # no HEAD: it would use a request up

    def post(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """The same by a form of the client's page. As GET, the browser sends its cookie along again."""
        return browsers.as_get(request)

    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        """In the order of RFC 6749 §4.1.2.1: whom to answer; what is asked; who is there; may he."""
        tenant = Address(**kwargs).find()
        if tenant is None:
            return browsers.error(request, 404)
        at = timezone.now()
        try:
            to = addressee(request.GET, at=at)
        except Unanswerable:
            return _unknown(request)
        visit = _Visit(request, tenant, to, at)
        try:
            asked = read(request.GET, to)
        except Refused as refusal:
            return visit.not_understood(refusal)
        try:
            return visit.answer(asked)
        except Refused as refusal:
            return visit.refuse(refusal)


class _Visit:
    """One request of a browser at a tenant, for a client that may be answered."""

    def __init__(self, request: HttpRequest, tenant: Tenant, to: Addressee, at: datetime) -> None:
        self.request, self.tenant, self.to, self.at = request, tenant, to, at

    def answer(self, asked: AuthorizationRequest) -> HttpResponse:
        with tenant_scope(self.tenant.id):
            session = self._session()
            if session is None or self._must_sign_in(asked, session):
                if asked.silent:
                    raise Refused("login_required", "The person has to sign in.")
                return self._to_sign_in(hint=asked.login_hint, again=session is not None)
            standing = self._standing(session)
            if not standing:
                if asked.silent:
                    raise Refused("access_denied", "The application is not available to this person.")
                return self._why_not(standing.decision)
            wanted = roles_named(asked.scopes, self.to.client.application_id)
            if wanted - {role.key for role in sign_in_decision.narrowed(standing.roles, wanted)}:
                raise Refused("invalid_scope", "The person holds no such role.")
            code = sign_ins.issue(session=session, wanted=self._wanted(asked), at=self.at)
        return self.back({"code": code})

    def not_understood(self, refusal: Refused) -> HttpResponse:
        """A request that is wrong for whoever sends it; told to the client once somebody has signed in.

        Otherwise every link to us could lead on to any address that some client registered, with our name on
        it (RFC 9700 §4.11.2). For the same reason nobody is sent to an application that is not his.
        """
        if not wants_silence(self.request.GET):
            with tenant_scope(self.tenant.id):
                session = self._session()
                if session is None:
                    return self._to_sign_in(hint="", again=False)
                if not (standing := self._standing(session)):
                    return self._why_not(standing.decision)
        return self.refuse(refusal)

    def refuse(self, refusal: Refused) -> HttpResponse:
        metrics.refused(refusal.error)
        return self.back({"error": refusal.error, "error_description": refusal.description})

    def back(self, answer: dict[str, str]) -> HttpResponse:
        """To the client's registered address."""
        return browsers.to(self.to.location(answer, issuer=issuer(settings.PORTAL_BASE_URL, self.tenant.id)))

    def _standing(self, session: UserSession) -> sign_in_decision.Standing:
        return sign_in_decision.decide(
            user_id=session.user_id,
            application_id=self.to.client.application_id,
            tenant_id=self.tenant.id,
            at=self.at,
            limit=self.at + lifetime(self.tenant, Lifetime.ACCESS_TOKEN),
        )

    def _session(self) -> UserSession | None:
        token = self.request.COOKIES.get(cookie_name(self.tenant.id))
        found = sessions.resolve(tenant=self.tenant, token=token, at=self.at) if token else None
        if found is not None:
            is_of(self.request.META, self.tenant.id)
        return found

    def _must_sign_in(self, asked: AuthorizationRequest, session: UserSession) -> bool:
        sent_at = self._asked_at()
        if asked.id_token_hint and not self._is_about(session, asked.id_token_hint):
            if sent_at is not None and session.authenticated_at >= sent_at:
                raise Refused("login_required", "Somebody else has signed in than was expected.")
            return True
        return asked.wants_sign_in(authenticated_at=session.authenticated_at, asked_at=sent_at, at=self.at)

    def _is_about(self, session: UserSession, hint: str) -> bool:
        """Whether the ID token that came as a hint names this person; one that we did not give counts not."""
        try:
            claims = tokens.read_hint(hint, at=self.at)
        except tokens.Unreadable:
            return True
        own = claims["iss"] == issuer(settings.PORTAL_BASE_URL, self.tenant.id)
        return not own or claims["sub"] == str(session.user_id)

    def _to_sign_in(self, *, hint: str, again: bool) -> HttpResponse:
        """To the tenant's own page, and from there to this very request."""
        mark = signing.dumps([self._digest(), self.at.timestamp()], salt=_SALT)
        sent = self.request.GET.copy()
        sent[ASKED] = mark
        query = {"next": f"{self.request.path}?{sent.urlencode()}"}
        if again:
            query["again"] = "1"
        if hint:
            query["hint"] = hint
        address = reverse("tenants:session-start", kwargs={"slug": self.tenant.slug})
        return browsers.to(f"{address}?{urlencode(query)}")

    def _asked_at(self) -> datetime | None:
        """When this request was sent to sign in; None unless our own mark says so."""
        try:
            found = signing.loads(self.request.GET.get(ASKED, ""), salt=_SALT, max_age=ASKED_FOR)
            digest, moment = found
            sent_at = datetime.fromtimestamp(moment, UTC)
        except (signing.BadSignature, ValueError, TypeError):
            return None
        return sent_at if digest == self._digest() else None

    def _digest(self) -> str:
        """Of the request without the mark: a mark for one request is none for another."""
        sent: QueryDict = self.request.GET.copy()
        sent.pop(ASKED, None)
        return hashlib.sha256(f"{self.tenant.id}?{sent.urlencode()}".encode()).hexdigest()

    def _wanted(self, asked: AuthorizationRequest) -> sign_ins.Wanted:
        return sign_ins.Wanted(
            client=self.to.client,
            redirect_uri=self.to.redirect_uri,
            redirect_uri_named=self.to.named,
            scope=" ".join(asked.scopes),
            nonce=asked.nonce,
            code_challenge=asked.code_challenge,
            key_thumbprint=asked.key_thumbprint,
        )

    def _why_not(self, decision: Decision) -> HttpResponse:
        """For the person, with the chain of reasons, and a way back for the application."""
        denied = {"error": "access_denied", "error_description": "The application is not available."}
        base = issuer(settings.PORTAL_BASE_URL, self.tenant.id)
        metrics.refused("access_denied")
        return browsers.error(
            self.request,
            403,
            heading=_("You cannot sign in to this application"),
            text=_("It is not available in your organization at the moment."),
            decision={
                "allowed": False,
                "code": decision.code,
                "reasons": [reason.as_json() | {"at": reason.at} for reason in decision.reasons],
            },
            advice=_("Whoever manages contracts in your organization can say when it will be."),
            home_url=f"/t/{self.tenant.slug}/",
            back_label=_("Back to the application"),
            back_url=iri_to_uri(self.to.location(denied, issuer=base)),
        )


def _unknown(request: HttpRequest) -> HttpResponse:
    """An unknown client, and an address that is not registered: never told apart, never answered there."""
    return browsers.error(
        request,
        400,
        heading=_("This sign-in was not understood"),
        text=_("The application that sent you here is not known, or not at this address."),
        kept=_("You were not signed in anywhere."),
        advice=_("Open the application again. If this comes back, tell whoever looks after it."),
    )
