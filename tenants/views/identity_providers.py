"""Identity providers of the organization: the list, one of them, and what changes it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.actions import identity_providers
from tenants.forms.providers import NewProviderForm, RevisedProviderForm
from tenants.models import IdentityMapper, IdentityProvider
from tenants.views.console import ConfirmPage, ConsolePage, FormPage

READERS = "IdentityProviders:read|GroupMappers:read"
LINKED = 100  # links on the page


class OfProvider(ConsolePage):
    """What pages of one provider share."""

    def provider(self) -> IdentityProvider:
        """The provider of the address, or NotFound."""
        return identity_providers.of(self.tenant, self.kwargs["provider_key"])

    def home(self, row: IdentityProvider) -> str:
        """Its page."""
        return self.url("tenants:identity-provider-detail", provider_key=row.key)

    def crumbs(self, row: IdentityProvider) -> list[dict[str, str]]:
        """The way to a page below it."""
        listed = {"label": _("Identity providers"), "url": self.url("tenants:identity-provider-list")}
        return [listed, {"label": row.name, "url": self.home(row)}]


class ProviderList(ConsolePage):
    """All of them, in the order of the sign-in page."""

    permission = READERS

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = [
            {
                "cells": [
                    {
                        "text": row.name,
                        "url": self.url("tenants:identity-provider-detail", provider_key=row.key),
                        "note": row.issuer,
                    },
                    state_of(row),
                    {"text": _("yes") if row.is_default else "–"},
                ]
            }
            for row in self.tenant.identity_providers.all()
        ]
        columns = [{"label": _("Name")}, {"label": _("State")}, {"label": _("Sign-ins go there at once")}]
        add = self.url("tenants:identity-provider-create")
        primary = self.link(_("Add an identity provider"), "IdentityProviders:add", add, icon="plus")
        page = {
            "title": _("Identity providers"),
            "lead": _("Others who say who your people are, by OpenID Connect."),
            "primary": primary,
        }
        table = {"caption": _("Identity providers"), "columns": columns, "rows": rows}
        return self.render("tenants/identity_provider_list.html", {"page": page, "table": table})


class ProviderDetail(OfProvider):
    """What it counts for, what its word moves, and who is linked."""

    permission = READERS

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        row = self.provider()
        may, at = "IdentityProviders:modify", {"provider_key": row.key}
        mapper = self.url("tenants:mapper-create", **at)
        page = {
            "title": row.name,
            "breadcrumb": self.crumbs(row)[:1],
            "state": state_of(row)["state"],
            "state_word": state_of(row)["word"],
            "primary": self.link(
                _("Try a sign-in"), may, self.url("accesscontrol:provider-try", **at), icon="play"
            ),
            "more": [
                self.link(_("Change"), may, self.url("tenants:identity-provider-change", **at), icon="edit"),
                self.link(_("Add a mapper"), "GroupMappers:add", mapper, icon="plus"),
                self.link(_("Link a person"), may, self.url("tenants:identity-add", **at), icon="link"),
                self.link(
                    _("Delete"),
                    "IdentityProviders:delete",
                    self.url("tenants:identity-provider-delete", **at),
                    icon="trash",
                    danger=True,
                    dialog=True,
                ),
            ],
        }
        context = {"page": page, "facts": facts_of(row), "mappers": self._mappers(row)}
        context |= {"linked": self._linked(row), **self.past("identity_provider", row.pk)}
        return self.render("tenants/identity_provider_detail.html", context)

    def _mappers(self, row: IdentityProvider) -> dict[str, Any]:
        may = bool(self.can("GroupMappers:modify"))
        rows = [{"cells": self._mapper(row, mapper, may)} for mapper in row.mappers.select_related("group")]
        columns = [{"label": _("What it sets")}, {"label": _("From")}, {"label": _("When")}]
        return {"caption": _("Mappers"), "columns": columns, "rows": rows}

    def _mapper(self, row: IdentityProvider, mapper: IdentityMapper, may: bool) -> list[dict[str, Any]]:
        words = {
            "username": _("User name"),
            "email": _("E-mail address"),
            "display_name": _("Name"),
        }
        first: dict[str, Any] = {"text": words.get(mapper.kind) or str(mapper.group)}
        if mapper.group_id:
            first["note"] = _("membership of a group")
        if may:
            first["url"] = self.url("tenants:mapper-change", provider_key=row.key, mapper_id=mapper.pk)
        by = f"{mapper.claim} = {mapper.value}" if mapper.group_id else mapper.template
        every = _("at every sign-in") if mapper.when == "every" else _("at the first sign-in")
        return [first, {"code": by}, {"text": every}]

    def _linked(self, row: IdentityProvider) -> dict[str, Any]:
        may = bool(self.can("IdentityProviders:modify"))
        rows = []
        for link in row.links.select_related("user").order_by("user__username")[:LINKED]:
            end = self.url("tenants:identity-remove", provider_key=row.key, user_id=link.user_id)
            act = {"label": _("Remove"), "url": end, "dialog": True}
            cells: list[dict[str, Any]] = [
                {
                    "text": str(link.user),
                    "url": self.url("tenants:user-detail", user_id=link.user_id),
                },
                {"code": link.subject},
                {"at": link.last_used_at} if link.last_used_at else {"text": "–"},
                {"action": act} if may else {"text": "–"},
            ]
            rows.append({"cells": cells})
        columns = [{"label": _("Person")}, {"label": _("Subject (sub)")}, {"label": _("Last sign-in")}]
        columns.append({"label": _("Act"), "hidden_label": True})  # type: ignore[dict-item]
        return {"caption": _("Linked people"), "columns": columns, "rows": rows}


class CreateProvider(FormPage):
    """A new one. It lets nobody in before somebody is linked or it may make people."""

    permission = "IdentityProviders:add"
    recent = True

    def place(self) -> str:
        return self.url("tenants:identity-provider-list")

    def frame(self) -> dict[str, Any]:
        back = self.url("tenants:identity-provider-list")
        page = {
            "title": _("Add an identity provider"),
            "breadcrumb": [{"label": _("Identity providers"), "url": back}],
            "lead": _("Register the portal there first; the return address is on its page here."),
        }
        return {"page": page, "submit": _("Add identity provider"), "cancel_url": back}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(NewProviderForm(initial={"scopes": "email profile", "position": 0}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewProviderForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                row = identity_providers.create(
                    tenant=self.tenant,
                    key=form.cleaned_data["key"],
                    issuer=form.cleaned_data["issuer"],
                    secret=form.secret,
                    chosen=form.chosen,
                    by=self.actor,
                    at=self.at,
                )
            if outcome:
                said = _("%(name)s is there. Try a sign-in with it.") % {"name": row.name}
                return self.done(said, self.url("tenants:identity-provider-detail", provider_key=row.key))
        return self.form_page(form)


class ChangeProvider(OfProvider, FormPage):
    """What it counts for, its client and its secret. The issuer stays."""

    permission = "IdentityProviders:modify"
    recent = True

    def frame(self) -> dict[str, Any]:
        crumbs = self.crumbs(self.shown)
        page = {"title": _("Change"), "breadcrumb": crumbs}
        return {"page": page, "submit": _("Save"), "cancel_url": crumbs[-1]["url"]}

    def fresh(self) -> RevisedProviderForm:
        self.shown = self.provider()
        return RevisedProviderForm.of(self.shown)

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        return self.form_page(self.fresh())

    def post(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        self.shown = self.provider()
        form = RevisedProviderForm(request.POST)
        if form.is_valid():
            with self.attempt(form) as outcome:
                identity_providers.change(
                    tenant=self.tenant,
                    key=provider_key,
                    chosen=form.chosen,
                    secret=form.secret,
                    by=self.actor,
                    at=self.at,
                    revision=form.cleaned_data["revision"],
                )
            if outcome:
                return self.done(_("The identity provider is changed."), self.home(self.shown))
        return self.form_page(form)


class DeleteProvider(OfProvider, ConfirmPage):
    """With its links and mappers."""

    permission = "IdentityProviders:delete"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        row = self.provider()
        linked = row.links.count()
        confirm = {
            "title": _("Delete the identity provider %(name)s?") % {"name": row.name},
            "act": _("Delete identity provider"),
            "cancel_url": self.home(row),
            "nothing": _("Linked people: %(count)d. They come in by it no more; who did is signed out now.")
            % {"count": linked},
            "revision": row.revision,
            "danger": True,
        }
        return {"page": {"title": _("Delete"), "breadcrumb": self.crumbs(row)}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        row = self.provider()
        identity_providers.delete(
            tenant=self.tenant, key=row.key, by=self.actor, at=self.at, revision=revision
        )
        return _("The identity provider is deleted.")

    def done_url(self, back: str) -> str:
        return self.url("tenants:identity-provider-list")


def state_of(row: IdentityProvider) -> dict[str, str]:
    """On or off, as a badge."""
    word = _("on") if row.enabled else _("off")
    return {"state": "active" if row.enabled else "inactive", "word": word.capitalize()}


def facts_of(row: IdentityProvider) -> list[dict[str, Any]]:
    """As it is; the secret never."""
    base = f"{settings.PORTAL_BASE_URL}/t/{row.tenant.slug}/sign-in"
    words = {True: _("yes"), False: _("no")}
    return [
        {"label": _("Issuer"), "copy_id": row.issuer},
        {"label": _("Client id"), "copy_id": row.client_id},
        {"label": _("Scopes"), "code": " ".join(["openid", *row.scopes])},
        {
            "label": _("Return address (redirect URI), to register there"),
            "copy_id": f"{base}/by/{row.key}/back",
        },
        {"label": _("Address after signing out there"), "copy_id": f"{base}?here=yes"},
        {"label": _("Sign-ins go there at once"), "text": words[row.is_default]},
        {"label": _("Makes new people"), "text": words[row.makes_people]},
        {"label": _("Its e-mail addresses count as proven"), "text": words[row.trusts_email]},
        {
            "label": _("Its second factor counts"),
            "text": words[row.trusts_second_factor],
            "note": row.second_factor_acr,
        },
    ]
