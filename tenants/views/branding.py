"""The organization's look: name, colour and logo, shown before they count."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants import colours
from tenants.actions import branding
from tenants.forms.branding import BrandingForm, LogoForm
from tenants.http import looks
from tenants.models import Branding
from tenants.views.console import ConfirmPage, ConsolePage, FormPage

# The console's own, for the picture of how it looks without a choice.
OWN = ("#005ab8", "#82b9f2")
_GROUNDS = (
    ("#ffffff", "#2b2f36", "#ffffff"),
    ("#16181c", "#e2e4e9", "#101214"),
)  # ground, text, on the colour


class ChangeBranding(FormPage):
    """Name and colour. ``go=preview`` draws them and changes nothing."""

    permission = "Configuration:modify"
    template = "tenants/branding.html"

    def frame(self) -> dict[str, Any]:
        row = branding.current(self.tenant)
        back = self.url("tenants:settings")
        logo = f"{row.logo_digest}.{row.logo_kind}" if row.logo_digest else ""
        remove = self.url("tenants:settings-logo-remove")
        return {
            "page": {"title": _("Branding"), "breadcrumb": [{"label": _("Settings"), "url": back}]},
            "cancel_url": back,
            "logo_url": looks.logo_url(self.slug, logo),
            "put_url": self.url("tenants:settings-logo"),
            "remove_url": remove if logo else "",
            "before": pictures_of(self, row.name, row.colour),
        }

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(BrandingForm.of(branding.current(self.tenant)))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = BrandingForm(request.POST)
        if not form.is_valid():
            return self.form_page(form)
        chosen = form.chosen  # a refusal takes the fields that it names out of the form
        if request.POST.get("go") == "preview":
            return self.form_page(form, **self._foreseen(chosen))
        with self.attempt(form) as outcome:
            branding.change(
                tenant=self.tenant,
                chosen=chosen,
                by=self.actor,
                at=self.at,
                revision=form.cleaned_data["revision"],
            )
        if outcome:
            return self.done(_("The branding is changed."), self.url("tenants:settings"))
        return self.form_page(form, **self._foreseen(chosen))

    def _foreseen(self, chosen: dict[str, Any]) -> dict[str, Any]:
        """How it would look, or the nearest colour that can be read."""
        colour = chosen["colour"]
        if colour and not colours.is_colour(colour):
            return {}
        nearest = colours.nearest(colour) if colour and not colours.passes(colour) else ""
        after = pictures_of(self, chosen["name"], nearest or colour)
        return {"nearest": nearest, "after": after}


class PutLogo(FormPage):
    """A picture of one's own."""

    permission = "Configuration:modify"
    template = "tenants/logo.html"

    def frame(self) -> dict[str, Any]:
        back, own = self.url("tenants:settings"), self.url("tenants:settings-branding")
        crumbs = [{"label": _("Settings"), "url": back}, {"label": _("Branding"), "url": own}]
        return {"page": {"title": _("Logo"), "breadcrumb": crumbs}, "cancel_url": own}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(LogoForm(initial={"revision": branding.current(self.tenant).revision}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = LogoForm(request.POST, request.FILES)
        if form.is_valid():
            with self.attempt(form) as outcome:
                branding.put_logo(
                    tenant=self.tenant,
                    picture=form.cleaned_data["picture"],
                    by=self.actor,
                    at=self.at,
                    revision=form.cleaned_data["revision"],
                )
            if outcome:
                return self.done(_("The logo is changed."), self.url("tenants:settings-branding"))
        return self.form_page(form)


class RemoveLogo(ConfirmPage):
    """Back to the portal's own."""

    permission = "Configuration:modify"

    def confirmation(self) -> dict[str, Any]:
        own = self.url("tenants:settings-branding")
        confirm = {
            "title": _("Remove the logo?"),
            "act": _("Remove logo"),
            "cancel_url": own,
            "nothing": _("Pages and the sign-in page have the portal's own drawing again."),
            "revision": branding.current(self.tenant).revision,
        }
        crumbs = [{"label": _("Branding"), "url": own}]
        return {"page": {"title": _("Remove logo"), "breadcrumb": crumbs}, "confirm": confirm}

    def act(self, revision: int | None) -> str:
        branding.remove_logo(tenant=self.tenant, by=self.actor, at=self.at, revision=revision)
        return _("The logo is removed.")


def pictures_of(page: ConsolePage, name: str, colour: str) -> list[dict[str, str]]:
    """The same small page in both themes, as ``_look.html`` draws it."""
    pair = (colour, colours.for_dark(colour)) if colour else OWN
    words = (_("Light"), _("Dark"))
    return [
        {
            "theme": word,
            "name": name or page.tenant.name,
            "colour": own,
            "ground": ground,
            "text": text,
            "on": on,
        }
        for word, own, (ground, text, on) in zip(words, pair, _GROUNDS, strict=True)
    ]


def facts_of(row: Branding) -> list[dict[str, Any]]:
    """For the card among the settings."""
    size = _("%(width)d × %(height)d pixels") % {"width": row.logo_width or 0, "height": row.logo_height or 0}
    return [
        {"label": _("Name"), "text": row.name or _("the registered one")},
        {"label": _("Colour"), "code": row.colour}
        if row.colour
        else {"label": _("Colour"), "text": _("the portal's own")},
        {"label": _("Logo"), "text": size if row.logo_digest else _("none")},
        {"label": _("On the sign-in page"), "text": _("shown") if row.on_sign_in else _("not shown")},
    ]
