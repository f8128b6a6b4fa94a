"""The simulators of the access explorer: may somebody do this, and what would a token say.

The same questions as the doors of REST ask. They stand in the address, so that an answer can be sent on.
"""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from re import fullmatch
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accesscontrol import facts, questions
from accesscontrol.forms import EXCHANGE, DecisionForm, TokenForm
from accesscontrol.oauth.preview import Wish, preview
from accesscontrol.views import known, linking, naming
from accesscontrol.views.exploring import head
from applications.models import Client, Contract, Resource
from applications.models.applications import ID_PATTERN
from iam_portal.errors import Invalid, NotFound
from iam_portal.templatetags import privileges
from tenants.http import paging
from tenants.http.refusals import into_form
from tenants.views.console import ConsolePage

MOMENTS = ("iat", "nbf", "exp", "auth_time")


class AskDecision(ConsolePage):
    """One principal, one privilege on one resource, one moment: yes or no, and the chain that decides."""

    permission = "Roles:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = "privilege" in request.GET  # the form sends it always; a link that only begins does not
        owners = _owners(self)
        given, named = _spoken(self)
        form = (
            DecisionForm(given, owners=owners)
            if asked
            else DecisionForm(initial={**_given(request), "who": given.get("who", "")}, owners=owners)
        )
        answer: dict[str, Any] | None = None
        several: list[dict[str, str]] = []
        application_id = _application(self, form)
        here = known.resources(self.tenant, application_id, self.at)
        if asked:
            who, several = _somebody(self, form, known.KINDS, named)
            if who is not None and not form.errors:
                answer = self._told(form, who, application_id, here)
        context = {
            "page": head(self, "decide"),
            "form": form,
            "several": several,
            "answer": answer,
            "applications": known.offered(self.tenant),
            "resources": known.offered_of(here),
        }
        return self.render("accesscontrol/access_decision.html", context)

    def _told(
        self, form: DecisionForm, who: known.Somebody, application_id: str, here: QuerySet[Resource]
    ) -> dict[str, Any] | None:
        given = form.cleaned_data
        at = given["at"] or self.at
        then = here if at == self.at else known.resources(self.tenant, application_id, at)
        kind, key = known.resource(then, given["resource"])
        ids = {f"{who.kind}_id": who.id}
        asked = questions.Asked(
            tenant=self.tenant,
            principal=facts.Principal(self.tenant.id, **ids),
            application_id=application_id,
            type=kind,
            key=key,
            privilege=given["privilege"],
            owning_tenant_id=given["owner"] or None,
        )
        try:
            told = questions.answer(asked, at=at)
        except NotFound:
            form.add_error("who", _("Nobody here is called that."))
            return None
        except Invalid as refusal:
            into_form(form, refusal)
            return None
        return self._shown(told, who, application_id, asked) | {"at": at}

    def _shown(
        self, told: questions.Told, who: known.Somebody, application_id: str, asked: questions.Asked
    ) -> dict[str, Any]:
        """The answer in words: what rules tell by key is told by name."""
        place = asked.type, asked.key
        name = naming.resources(self.tenant, application_id, [place]).get(place)
        address = "/".join(place)
        words = {
            "name": who.name,
            "privilege": privileges.word(asked.privilege),
            "resource": f"{name} ({address})" if name else address,
        }
        yes, no = (
            _("%(name)s may %(privilege)s %(resource)s"),
            _("%(name)s may not %(privilege)s %(resource)s"),
        )
        keys = {role for need in told.needs for role in need.roles}
        roles = naming.roles(self.tenant, application_id, keys)
        return {
            "sentence": (yes if told.decision else no) % words,
            "why": linking.why(told.decision, self),
            "allowed": told.decision.allowed,
            "needs": [
                {
                    "text": need.text,
                    "roles": [roles.of_key(key) for key in need.roles],
                    "url": linking.to(need.contract_id, self),
                }
                for need in told.needs
            ],
        }


class AskToken(ConsolePage):
    """What a client would get at the token endpoint: the claims, or the refusal and its reasons."""

    permission = "Roles:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = "client" in request.GET
        given, named = _spoken(self)
        form = TokenForm(given) if asked else TokenForm()
        answer: dict[str, Any] | None = None
        several: list[dict[str, str]] = []
        if asked and form.is_valid():
            who = None
            if form.cleaned_data["who"]:
                kinds = ("user", "application") if form.cleaned_data["grant"] == EXCHANGE else ("user",)
                who, several = _somebody(self, form, kinds, named)
            if not form.errors:
                answer = self._told(form, who)
        context = {
            "page": head(self, "preview"),
            "form": form,
            "several": several,
            "answer": answer,
            "applications": known.offered(self.tenant),
            "clients": self._clients(),
        }
        return self.render("accesscontrol/access_token.html", context)

    def _clients(self) -> list[tuple[str, str]]:
        here = Client.objects.filter(application__in=known.applications(self.tenant).values("pk"))
        ids = here.order_by("client_id").values_list("client_id", flat=True)[: known.OFFERED]
        return [(client_id, "") for client_id in ids]

    def _told(self, form: TokenForm, who: known.Somebody | None) -> dict[str, Any] | None:
        given = form.cleaned_data
        wish = Wish(
            client_id=given["client"],
            grant=given["grant"],
            target=given["target"],
            scope=given["scope"],
            user_id=UUID(who.id) if who and who.kind == "user" else None,
            subject_application_id=who.id if who and who.kind == "application" else None,
        )
        at = given["at"] or self.at
        try:
            told = preview(wish, tenant=self.tenant, at=at)
        except NotFound:
            form.add_error("client", _("No such client has a part in this organization."))
            return None
        except Invalid as refusal:
            into_form(form, refusal)
            return None
        if told["granted"]:
            claims = [_claim(name, value) for name, value in told["claims"].items()]
            return {"at": at, "granted": True, "claims": claims, "key": _key(told["dpop"])}
        reasons = [
            {
                **reason,
                "at": parse_datetime(reason["at"]) if "at" in reason else None,
                "url": linking.to(reason.get("contractId"), self),
            }
            for reason in told["reasons"]
        ]
        return {**told, "at": at, "why": {"allowed": False, "reasons": reasons}}


def _spoken(page: ConsolePage) -> tuple[QueryDict, known.Somebody | None]:
    """What the address asks; ``user:<id>`` in words where these mean the same one alone, and who that is."""
    given = page.request.GET.copy()
    found = known.exactly(page.tenant, given.get("who", ""))
    if found is not None:
        words = found.note if found.kind == "user" and page.can("Users:read") else found.name
        if known.somebody(page.tenant, words, near=False) == [found]:
            given["who"] = words
            return given, found
    return given, None


def _given(request: HttpRequest) -> dict[str, str]:
    """What the address names already."""
    return {name: paging.searched(request, name) for name in ("who", "application", "resource")}


def _application(page: ConsolePage, form: DecisionForm) -> str:
    """The id of what is named; an id that the organization does not know is answered as one of nothing."""
    wanted = paging.searched(page.request, "application")
    found = known.called(page.tenant, wanted)
    if len(found) == 1:
        return found[0].pk
    if wanted and form.is_bound and form.is_valid():
        if found:
            form.add_error("application", _("Several are called that: write the id."))
        elif not fullmatch(ID_PATTERN, wanted):
            form.add_error("application", _("No application here is called that."))
    return wanted


def _somebody(
    page: ConsolePage,
    form: DecisionForm | TokenForm,
    kinds: Collection[str],
    named: known.Somebody | None,
) -> tuple[known.Somebody | None, list[dict[str, str]]]:
    """The one that is meant; or, with an error at the field, those among whom to choose.

    ``named`` is whom the words are known to mean.
    """
    if "who" in form.errors:
        return None, []
    if named is not None and named.kind in kinds:
        return named, []
    found = known.somebody(page.tenant, form.cleaned_data["who"], kinds=kinds)
    if len(found) == 1:
        return found[0], []
    if not found:
        form.add_error("who", _("Nobody here is called that."))
        return None, []
    form.add_error("who", _("Several are called that: choose one below."))
    several = [
        {
            "name": each.name,
            "note": each.note if each.kind != "user" or page.can("Users:read") else "",
            "url": paging.with_query(page.request, who=each.value),
        }
        for each in found[: known.MOST]
    ]
    return None, several


def _owners(page: ConsolePage) -> list[tuple[str, str]]:
    """Organizations on whose data one's own people and services work, by access contract."""
    received = Contract.objects.filter(consumer=page.tenant, type="access", state="accepted")
    named = received.order_by("provider__name", "provider_id").distinct()
    return [
        (str(key), name) for key, name in named.values_list("provider_id", "provider__name")[: known.OFFERED]
    ]


def _key(demand: str) -> str:
    """What becomes of the token when the client proves a key (RFC 9449)."""
    return {
        "off": _("No proof of a key (DPoP) is taken from this client."),
        "optional": _("With a proof of a key (DPoP) it has cnf.jkt, too, and is taken with that key alone."),
        "required": _(
            "The client has to prove a key (DPoP): the token has cnf.jkt and is taken with that key alone."
        ),
    }[demand]


def _claim(name: str, value: Any) -> dict[str, Any]:
    if name in MOMENTS and isinstance(value, int):
        return {"label": name, "text": value, "at": datetime.fromtimestamp(value, UTC)}
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return {"label": name, "codes": value}
    return {"label": name, "codes": [value if isinstance(value, str) else json.dumps(value)]}
