"""Mappers of an identity provider, and the people whom an administrator links to it."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from iam_portal.errors import NotFound
from tenants.actions import identity_links, mappers
from tenants.forms.people import NOT_KNOWN
from tenants.forms.providers import IdentityForm, MapperForm
from tenants.models import User
from tenants.views import trees
from tenants.views.console import ConfirmPage, FormPage
from tenants.views.identity_providers import OfProvider


class _MapperPage(OfProvider, FormPage):
    def groups(self) -> list[tuple[str, str]]:
        """As the tree has them."""
        return trees.forest(self.tenant, self.at).choices()

    def frame(self) -> dict[str, Any]:
        row = self.provider()
        page = {
            "title": self.heading(),
            "breadcrumb": self.crumbs(row),
            "lead": _(
                "It acts in your name: it gives nobody what you do not hold at the moment of the sign-in."
            ),
        }
        return {"page": page, "submit": _("Save"), "cancel_url": self.home(row)}

    def heading(self) -> str:
        """Of the page."""
        return _("Add a mapper")


class CreateMapper(_MapperPage):
    """A new rule, from the next sign-in on."""

    permission = "GroupMappers:add"
    recent = True

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        return self.form_page(MapperForm(groups=self.groups()))

    def post(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        form = MapperForm(request.POST, groups=self.groups())
        row = self.provider()
        if form.is_valid():
            with self.attempt(form) as outcome:
                mappers.create(
                    tenant=self.tenant,
                    provider=row,
                    group_id=_group(form),
                    chosen=form.chosen,
                    by=self.actor,
                    at=self.at,
                )
            if outcome:
                return self.done(_("The mapper is there. It counts from the next sign-in."), self.home(row))
        return self.form_page(form)


class ChangeMapper(_MapperPage):
    """Another rule, in the name of who saves it."""

    permission = "GroupMappers:modify"
    recent = True

    def heading(self) -> str:
        return _("Change the mapper")

    def frame(self) -> dict[str, Any]:
        given = {"provider_key": self.kwargs["provider_key"], "mapper_id": self.kwargs["mapper_id"]}
        framed = super().frame()
        remove = self.link(
            _("Delete mapper"),
            "GroupMappers:delete",
            self.url("tenants:mapper-delete", **given),
            icon="trash",
            danger=True,
            dialog=True,
        )
        framed["page"]["more"] = [remove]
        return framed

    def fresh(self) -> MapperForm:
        return MapperForm.of(mappers.of(self.provider(), self.kwargs["mapper_id"]), self.groups())

    def get(self, request: HttpRequest, provider_key: str, mapper_id: UUID) -> HttpResponse:
        return self.form_page(self.fresh())

    def post(self, request: HttpRequest, provider_key: str, mapper_id: UUID) -> HttpResponse:
        form, row = MapperForm(request.POST, groups=self.groups()), self.provider()
        mappers.of(row, mapper_id)
        if form.is_valid():
            with self.attempt(form) as outcome:
                mappers.change(
                    tenant=self.tenant,
                    provider=row,
                    mapper_id=mapper_id,
                    group_id=_group(form),
                    chosen=form.chosen,
                    by=self.actor,
                    at=self.at,
                    revision=form.cleaned_data["revision"],
                )
            if outcome:
                return self.done(_("The mapper is changed."), self.home(row))
        return self.form_page(form)


class DeleteMapper(OfProvider, ConfirmPage):
    """Who is in a group by it stays there."""

    permission = "GroupMappers:delete"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        row = self.provider()
        mappers.of(row, self.kwargs["mapper_id"])
        confirm = {
            "title": _("Delete this mapper?"),
            "act": _("Delete mapper"),
            "cancel_url": self.home(row),
            "nothing": _("It moves nobody any more. Who is in a group by it stays there."),
        }
        return {"page": {"title": _("Delete mapper"), "breadcrumb": self.crumbs(row)}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        given: dict[str, Any] = {"mapper_id": self.kwargs["mapper_id"], "by": self.actor, "at": self.at}
        mappers.delete(tenant=self.tenant, provider=self.provider(), **given)
        return _("The mapper is deleted.")


class AddIdentity(OfProvider, FormPage):
    """Says who an account of the provider is, before its person comes."""

    permission = "IdentityProviders:modify"
    recent = True

    def frame(self) -> dict[str, Any]:
        row = self.provider()
        page = {
            "title": _("Link a person"),
            "breadcrumb": self.crumbs(row),
            "lead": _("Whoever holds that account at the provider comes in as this person."),
        }
        return {"page": page, "submit": _("Link person"), "cancel_url": self.home(row)}

    def get(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        return self.form_page(IdentityForm())

    def post(self, request: HttpRequest, provider_key: str) -> HttpResponse:
        form, row = IdentityForm(request.POST), self.provider()
        if form.is_valid():
            user = self._named(form.cleaned_data["user"].strip().lower())
            if user is None:
                form.add_error("user", NOT_KNOWN)
                return self.form_page(form)
            subject = form.cleaned_data["subject"]
            with self.attempt(form) as outcome:
                identity_links.add(
                    tenant=self.tenant,
                    provider=row,
                    user_id=user.pk,
                    subject=subject,
                    by=self.actor,
                    at=self.at,
                )
            if outcome:
                return self.done(_("%(user)s is linked.") % {"user": user}, self.home(row))
        return self.form_page(form)

    def _named(self, typed: str) -> User | None:
        rows = self.tenant.users.annotate(low=Lower("username"), mail=Lower("email"))
        found: User | None = rows.filter(Q(low=typed) | Q(mail=typed)).order_by("low").first()
        return found


class RemoveIdentity(OfProvider, ConfirmPage):
    """He comes in by this provider no more."""

    permission = "IdentityProviders:modify"
    recent = True

    def confirmation(self) -> dict[str, Any]:
        row = self.provider()
        link = row.links.filter(user_id=self.kwargs["user_id"]).select_related("user").first()
        if link is None:
            raise NotFound
        named = {"user": link.user, "provider": row.name}
        confirm = {
            "title": _("Remove the link of %(user)s?") % named,
            "act": _("Remove link"),
            "cancel_url": self.home(row),
            "nothing": _(
                "%(user)s comes in by %(provider)s no more, and is signed out wherever that was the way in."
            )
            % named,
        }
        return {"page": {"title": _("Remove link"), "breadcrumb": self.crumbs(row)}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        given: dict[str, Any] = {"user_id": self.kwargs["user_id"], "by": self.actor, "at": self.at}
        identity_links.remove(tenant=self.tenant, provider=self.provider(), **given)
        return _("The link is removed.")


def _group(form: MapperForm) -> UUID | None:
    chosen = form.cleaned_data["group"]
    return UUID(chosen) if chosen else None
