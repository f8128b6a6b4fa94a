"""The way in by an identity provider: there, and back."""

import logging

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accesscontrol.oauth import browsers
from accesscontrol.oauth.providers import answering, asking, metadata, waiting
from accesscontrol.oauth.providers.asking import Begun, Purpose
from accesscontrol.oauth.providers.failing import WAYS, Failed, Trace
from accesscontrol.views import trying
from iam_portal.admission import Refused, aside
from iam_portal.errors import DomainError, NotFound
from iam_portal.tracing import source_address
from iam_portal.walls import tenant_scope
from tenants.actions import arrivals
from tenants.actions.arrivals import Coming, Stranger
from tenants.actions.came_by import Vouched
from tenants.actions.entering import Halfway, SignedIn
from tenants.http import arriving_from
from tenants.models import IdentityProvider
from tenants.views.arrival import here
from tenants.views.arriving import arrived, halfway, origin_of
from tenants.views.console import ConsolePage
from tenants.views.identity_providers import OfProvider

log = logging.getLogger("iam.oauth")


class _ProviderPage(ConsolePage):
    """A page of one provider. An unknown organization, an unknown provider and one that is off look alike."""

    public = True
    outside = True  # no transaction stays open while somebody else's host is asked
    onward = ""

    def provider(self, provider_key: str, *, off: bool = False) -> IdentityProvider | None:
        """The provider of the address."""
        if self.tenant is None:
            return None
        with tenant_scope(self.tenant.id):
            rows = self.tenant.identity_providers.filter(key=provider_key)
            return (rows if off else rows.filter(enabled=True)).select_related("tenant").first()

    def to_beginning(self) -> HttpResponse:
        """The tenant's own page."""
        return HttpResponseRedirect(here(self))

    def next_address(self) -> str:
        return self.onward or super().next_address()

    def failed(self, failure: Failed) -> HttpResponse:
        """What went wrong, in our own words, and what to do. Operators read it in the log."""
        log.info("a sign-in by an identity provider failed: %s %s", failure.code, failure.word)
        said, advice = WAYS[failure.code]
        context = {"said": said, "advice": advice, "code": failure.code, "word": failure.word}
        context |= {"heading": answering.heading(), "back_url": here(self, self.next_address())}
        return browsers.quiet(self.render("accesscontrol/provider_failed.html", context, status=403))


class GoThere(_ProviderPage):
    """Sends the browser to the provider. ``again``: it has to ask anew who is there."""

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        provider = self.provider(provider_key)
        if provider is None:
            return self.to_beginning()
        anew = "again" in request.GET
        if self.session is not None and not anew:
            return HttpResponseRedirect(self.next_address())
        onward = super().next_address()
        begun = asking.begin(provider, purpose=Purpose.SIGN_IN, at=self.at, anew=anew, onward=onward)
        try:
            return sent(self, begun, provider)
        except Failed as failure:
            return self.failed(failure)


class ComeBack(_ProviderPage):
    """Where the provider sends the browser: checked, redeemed, believed, and in. Or a clear word why not."""

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        provider = self.provider(provider_key, off=True)
        if provider is None:
            return self.to_beginning()
        trace = Trace()
        name = asking.cookie_name(request.GET.get("state", ""))
        begun: Begun | None = None
        try:
            with tenant_scope(self.tenant.id):
                begun = answering.begun(request, provider, tenant=self.tenant, at=self.at)
            self.onward = begun.onward
            if begun.purpose == Purpose.TEST:
                return arriving_from.drop(self._tested(request, provider, begun, trace), name)
            if not provider.enabled:
                return self.to_beginning()
            if begun.purpose == Purpose.LINK and not self._is_mine(begun):
                raise Failed("sign_in_elsewhere")
            vouched = self._vouched(request, begun, provider, trace)
            return arriving_from.drop(self._come(begun, vouched), name)
        except Failed as failure:
            if begun is None and not provider.enabled:
                return self.to_beginning()  # as for one that is not there
            response = self.failed(failure)
            # A sign-in that another tab is still on must not lose its cookie to a guessed answer.
            return arriving_from.drop(response, name) if begun else response

    def _vouched(
        self, request: HttpRequest, begun: Begun, provider: IdentityProvider, trace: Trace
    ) -> Vouched:
        """While the provider is waited for, others run, with our connection to the database."""
        waiting.count_return(owner_id=provider.tenant_id, source=source_address(request), at=self.at)
        if not connection.in_atomic_block:
            connection.close()
        try:
            with aside(request.META):
                return answering.vouched(
                    request.GET, begun, provider, back=back_of(provider), trace=trace, at=self.at
                )
        except Refused:
            raise waiting.busy() from None

    def _come(self, begun: Begun, vouched: Vouched) -> HttpResponse:
        """In; or to the page for who is new here, or for who is in and wants to link it."""
        coming = Coming(self.tenant, self.session, origin_of(self), self.at)
        links = begun.purpose == Purpose.LINK
        try:
            entered = (arrivals.bring if links else arrivals.arrive)(coming, vouched=vouched)
        except DomainError as refusal:
            raise Failed(refusal.code if refusal.code in WAYS else "provider_refused") from None
        if isinstance(entered, Stranger):
            page = "tenants:identity-link" if links else "tenants:arrival"
            response = HttpResponseRedirect(self.url(page))
            arriving_from.hold(response, tenant=self.tenant, token=entered.token)
            return response
        return in_or_halfway(self, entered)

    def _is_mine(self, begun: Begun) -> bool:
        """Whether the session of this browser began it: no page of a stranger puts another account there."""
        return self.session is not None and str(self.session.pk) == begun.by

    def _tested(
        self, request: HttpRequest, provider: IdentityProvider, begun: Begun, trace: Trace
    ) -> HttpResponse:
        """All steps and claims, for the administrator who began it in this session. Nobody comes in."""
        with tenant_scope(self.tenant.id):
            allowed = self._is_mine(begun) and bool(self.can("IdentityProviders:modify"))
        if not allowed:
            raise Failed("sign_in_elsewhere")
        failure: Failed | None = None
        vouched: Vouched | None = None
        try:
            vouched = self._vouched(request, begun, provider, trace)
        except Failed as failed:
            failure = failed
        with tenant_scope(self.tenant.id):
            context = trying.told(self, provider, trace, vouched, failure)
            return browsers.quiet(self.render("accesscontrol/provider_tested.html", context))


def in_or_halfway(page: ConsolePage, entered: SignedIn | Halfway) -> HttpResponse:
    """The cookie that says so, and the page that comes next."""
    return halfway(page, entered) if isinstance(entered, Halfway) else arrived(page, entered)


def sent(page: ConsolePage, begun: Begun, provider: IdentityProvider) -> HttpResponse:
    """To the provider, with the cookie that knows the browser again."""
    if begun.purpose == Purpose.TEST:
        found = metadata.fresh(provider.issuer)
    else:
        found = metadata.of(provider.issuer, owner_id=page.tenant.id)
    response = browsers.to(asking.address(begun, provider, found, back=back_of(provider)))
    arriving_from.tidy(page.request, response)
    arriving_from.put(response, asking.cookie_name(begun.state), begun.sealed(), asking.LIFETIME)
    return response


def back_of(provider: IdentityProvider) -> str:
    """The address to register there: one for each provider, so that none answers for another."""
    return f"{settings.PORTAL_BASE_URL}/t/{provider.tenant.slug}/sign-in/by/{provider.key}/back"


class TryProvider(OfProvider):
    """Begins a sign-in that lets nobody in, and shows each of its steps. Also where the provider is off."""

    permission = "IdentityProviders:modify"
    outside = True

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        assert self.session is not None
        with tenant_scope(self.tenant.id):
            provider = self.provider()
        by = str(self.session.pk)
        begun = asking.begin(provider, purpose=Purpose.TEST, at=self.at, anew=False, onward="", by=by)
        try:
            return sent(self, begun, provider)
        except Failed as failure:
            with tenant_scope(self.tenant.id):
                context = trying.told(self, provider, Trace(), None, failure)
                return browsers.quiet(self.render("accesscontrol/provider_tested.html", context))


class LinkMine(_ProviderPage):
    """Begins a sign-in there by which who is signed in here shows an account of his, to link it."""

    permission = "OwnAccount:modify"
    public = False
    recent = True
    asks_first = True

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        assert self.session is not None
        provider = self.provider(provider_key)
        if provider is None:
            raise NotFound
        self.onward, by = self.url("tenants:own-identity-list"), str(self.session.pk)
        begun = asking.begin(
            provider, purpose=Purpose.LINK, at=self.at, anew=False, onward=self.onward, by=by
        )
        try:
            return sent(self, begun, provider)
        except Failed as failure:
            return self.failed(failure)
