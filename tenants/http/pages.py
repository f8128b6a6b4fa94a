"""The frame of every page below ``/t/<slug>/``: whose data, who acts, may he, in one transaction."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views import View

from iam_portal import problem
from iam_portal.admission import is_of
from iam_portal.decision import Decision
from iam_portal.errors import DomainError, Forbidden, Kind, NotFound
from iam_portal.gate import Actor, Answers, Permission, gate
from iam_portal.sentences import said
from iam_portal.tracing import request_id
from iam_portal.translating import translated
from iam_portal.walls import tenant_scope
from tenants import navigation
from tenants.actions import proving, sessions
from tenants.history import note_door, record_refusal
from tenants.http import kept_input, looks, preferences, recent, returning
from tenants.http.refusals import Outcome, into_form, sentences
from tenants.http.sessions import actor_of, cookie_name
from tenants.models import Tenant, UserSession


class TenantPage(View):
    """A page of one tenant. Handlers run in one transaction, in the tenant's scope.

    ``permission`` (``Users:read``; ``A:read|B:read`` opens to either) is needed for every method;
    :meth:`require` asks for more inside a handler. Pages for people who are not signed in say
    ``public = True``; there ``tenant`` is None when the address names none, and the page must then look and
    fail as for one that exists. Where the handler is ``outside``, it runs after that transaction, in those
    that its one action opens and refuses by itself. ``recent``: what is sent counts only from somebody who
    gave password or passkey not long ago; who did not is asked before he fills anything in (``asks_first``).
    """

    permission: ClassVar[str | None] = None
    public: ClassVar[bool] = False
    outside: ClassVar[bool] = False
    platform: ClassVar[bool] = False  # about the installation: below any other tenant there is nothing
    recent: ClassVar[bool] = False
    asks_first: ClassVar[bool] = False

    at: datetime
    slug: str
    tenant: Tenant
    session: UserSession | None = None
    actor: Actor

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A misspelt permission fails when the module is read, not when the page is asked for."""
        super().__init_subclass__(**kwargs)
        if cls.permission is not None:
            Permission.alternatives(cls.permission)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.permission is None and not self.public:
            raise ImproperlyConfigured(f"{type(self).__name__} declares no permission")
        self.at = timezone.now()
        self.slug = kwargs.pop("slug")
        self._answers: Answers | None = None
        self._decisions: dict[str, Decision] = {}
        tenant = Tenant.objects.filter(slug=self.slug).first()
        with preferences.kept():
            response = self._within(tenant, lambda: self._answer(request, tenant, args, kwargs))
            if response is None:
                try:
                    response = super().dispatch(request, *args, **kwargs)
                except DomainError as refusal:  # past the scope, where nobody else would catch it
                    response = self._refused_outside(refusal)
            if response.headers.get("Content-Type", "").startswith("text/html"):
                response.headers.setdefault("Content-Language", get_language() or "")
        add_never_cache_headers(response)
        return response

    def _within(
        self, tenant: Tenant | None, answer: Callable[[], HttpResponseBase | None]
    ) -> HttpResponseBase | None:
        if tenant is None:
            return answer()
        try:
            with tenant_scope(tenant.id):
                return answer()
        except DomainError as refusal:  # outside the scope: everything it did is rolled back
            self._record(refusal)
            return self.refused(refusal)

    def _refused_outside(self, refusal: DomainError) -> HttpResponseBase:
        """What a handler past the scope let through; its action has undone what it began."""
        if self.tenant is not None:
            with tenant_scope(self.tenant.id):
                record_refusal(refusal)
        return self.refused(refusal)

    def _record(self, refusal: DomainError) -> None:
        """What a refusal says of itself; of who asks only to read, nothing."""
        if isinstance(refusal, Forbidden) and self.request.method == "POST":
            match = self.request.resolver_match
            door = f"POST {match.view_name if match else ''}"
            note_door(refusal, door=door, tenant_id=self.tenant.id, by=self.actor, at=self.at)
        record_refusal(refusal)

    def _answer(
        self, request: HttpRequest, tenant: Tenant | None, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        self.tenant = tenant  # type: ignore[assignment]  # None on public pages only, see the class
        token = request.COOKIES.get(cookie_name(tenant.id)) if tenant else None
        if tenant and token:
            self.session = sessions.resolve(tenant=tenant, token=token, at=self.at, seen=self.by_person())
        if self.session is not None:
            is_of(request.META, self.session.tenant_id)
            self.actor = actor_of(request, self.session)
            preferences.use(self.session.user)
        if not self.public:
            # Alike for a tenant that does not exist and for a session that is none: nothing is learned.
            if self.session is None:
                return returning.to_sign_in(request, view=self, slug=self.slug, tenant=tenant, at=self.at)
            decision = self.can(str(self.permission))
            if not decision:
                self._record(Forbidden(said("This page needs another permission."), reasons=decision.reasons))
                return self.error(403, decision=decision)
            if self.platform and not self.tenant.is_platform:
                raise NotFound
            if self._must_prove(self.session):
                return recent.to_proof(request, view=self, session=self.session, slug=self.slug, at=self.at)
        if self.outside:
            return None
        fields = returning.typed(request, user=self.session.user, at=self.at) if self.session else None
        if fields is None:
            return super().dispatch(request, *args, **kwargs)
        response = self.with_typed(fields, *args, **kwargs)
        kept_input.drop(response, request)
        return response

    def with_typed(self, fields: QueryDict, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page with what the person had typed into its form before he had to prove who he is.

        A page of several steps draws the one that was sent. Nothing may be done here.
        """
        return returning.filled(self.request, super().dispatch(self.request, *args, **kwargs), fields)

    def _must_prove(self, session: UserSession) -> bool:
        asked = self.recent and (self.asks_first or self.request.method == "POST")
        return asked and not proving.is_recent(session=session, at=self.at)

    def by_person(self) -> bool:
        """Whether a person did this; a page that asks by itself must not keep a session from idling."""
        return True

    def can(self, permission: str) -> Decision:
        """Whether the person holds the permission, or one of several (``A|B``), here, now.

        Asked once per request. For disabled buttons.
        """
        if permission not in self._decisions:
            found = [self.answers(one) for one in Permission.alternatives(permission)]
            refused = Decision.no(*(reason for decision in found for reason in decision.reasons))
            self._decisions[permission] = next((decision for decision in found if decision), refused)
        return self._decisions[permission]

    @property
    def answers(self) -> Answers:
        """Of the person, here, now; read once per request."""
        if self._answers is None:
            self._answers = gate().answers(actor=self.actor, tenant_id=self.tenant.id, at=self.at)
        return self._answers

    def require(self, permission: str) -> None:
        """Refuse inside a handler whoever lacks this permission."""
        decision = self.can(permission)
        if not decision:
            raise Forbidden(
                said("This needs the permission %(permission)s.", {"permission": permission}),
                reasons=decision.reasons,
            )

    @contextmanager
    def attempt(self, form: BaseForm | None = None) -> Iterator[Outcome]:
        """Run an action: a refusal undoes it and becomes errors of the form, or a message without one.

        What is missing stays missing (404). ::

            with self.attempt(form) as outcome:
                users.invite(...)
            if outcome:
                return redirect(...)
        """
        outcome = Outcome()
        try:
            with transaction.atomic():
                yield outcome
        except NotFound:
            raise
        except (ValidationError, DomainError) as exc:
            outcome.refusal = exc
            record_refusal(exc)
            if form is not None:
                into_form(form, exc)
                return
            for sentence in sentences(exc):
                messages.error(self.request, sentence)

    def render(
        self, template: str, context: Mapping[str, Any] | None = None, status: int = 200
    ) -> HttpResponse:
        """Draw a template with the console around it; everything is read here, inside the scope."""
        return render(self.request, template, {**self.shell(), **(context or {})}, status=status)

    def shell(self) -> dict[str, Any]:
        """What ``console.html`` needs. Public pages name no organization: it may not exist."""
        environment = "" if settings.PRODUCTION else settings.PORTAL_ENVIRONMENT.capitalize()
        if self.session is None or self.public:
            return {"environment": environment, "look": looks.at_the_gate(self.tenant)}
        user = self.session.user
        look = looks.of_console(self.tenant)
        nav = navigation.shown(
            slug=self.slug, path=self.place(), may=self.can, platform=self.tenant.is_platform
        )
        return {
            "at": self.at,
            "environment": environment,
            "look": look,
            "organization": {"name": look["name"], "url": f"/t/{self.slug}/"},
            "account": {
                "name": str(user),
                "detail": user.email,
                "url": f"/t/{self.slug}/account",
                "sign_out_url": f"/t/{self.slug}/sign-out",
            },
            "search_url": f"/t/{self.slug}/search",
            "nav": nav,
            "navigation": nav.drawn(),
        }

    def place(self) -> str:
        """The address by which the navigation knows where one is."""
        return self.request.path

    def refused(self, refusal: DomainError) -> HttpResponse:
        """The error page of a refusal that no handler turned into something better."""
        if refusal.kind is Kind.MISSING:
            raise Http404(refusal.detail)
        status = problem.STATUS[refusal.kind]
        decision = Decision.no(*refusal.reasons) if refusal.reasons else None
        heading = translated(problem.TITLES.get(status, "Error"))
        response = self.error(status, decision=decision, heading=heading, text=" ".join(sentences(refusal)))
        if refusal.kind is Kind.THROTTLED:
            response["Retry-After"] = str(refusal.data["retryAfter"])
        return response

    def error(self, status: int, **context: Any) -> HttpResponse:
        """The error page with its reasons."""
        decision = context.get("decision")
        context = {
            "status": status,
            "reasons": decision.reasons if decision is not None else (),
            "home_url": f"/t/{self.slug}/",
            "request_id": request_id(self.request),
            **context,
        }
        return render(self.request, "iam_portal/error.html", context, status=status)

    def next_address(self) -> str:
        """Where to go after signing in: ``next`` when it is an address of this site, else the overview."""
        wanted = self.request.POST.get("next") or self.request.GET.get("next") or ""
        local = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        return wanted if local else f"/t/{self.slug}/"
