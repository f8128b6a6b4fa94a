"""What an organization wants to look like."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tenants.actions.branding import LONGEST
from tenants.models import Branding
from tenants.pictures import MOST_BYTES, MOST_SIDE

_SHORT = re.compile(r"#([0-9a-f])([0-9a-f])([0-9a-f])")


class BrandingForm(forms.Form):
    """Name and colour, against the revision that was shown."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=LONGEST,
        help_text=_(
            "As your people know the organization. The registered name stays beside it on the sign-in page"
            " and in mails. Empty: the registered name."
        ),
    )
    colour = forms.CharField(
        label=_("Colour"),
        required=False,
        max_length=20,
        widget=forms.TextInput({"placeholder": "#1d4ed8", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "Of buttons and links, like #1d4ed8. The dark theme has the nearest that is read there."
            " Empty: the portal's own."
        ),
    )
    on_sign_in = forms.BooleanField(
        label=_("Show all of it on the sign-in page"),
        required=False,
        help_text=_(
            "Whoever knows the address of that page then sees that your organization is here. Without it, the"
            " page looks as for one that does not exist."
        ),
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    @classmethod
    def of(cls, row: Branding) -> "BrandingForm":
        """As it is."""
        shown = {"name": row.name, "colour": row.colour, "on_sign_in": row.on_sign_in}
        return cls(initial={**shown, "revision": row.revision})

    def clean_colour(self) -> str:
        """As people write it: ``1D4ED8``, ``#abc``."""
        text = self.cleaned_data["colour"].strip().lower()
        text = f"#{text}" if text and not text.startswith("#") else text
        return _SHORT.sub(r"#\1\1\2\2\3\3", text) if _SHORT.fullmatch(text) else text

    @property
    def chosen(self) -> dict[str, Any]:
        """For the action."""
        return {name: self.cleaned_data[name] for name in ("name", "colour", "on_sign_in")}


class LogoForm(forms.Form):
    """A file; what it is says its content."""

    picture = forms.FileField(
        label=_("Picture"), max_length=200, widget=forms.FileInput({"accept": "image/png,image/jpeg"})
    )
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = gettext(
            "PNG or JPEG, at most %(size)d kB and %(side)d pixels a side. Only the picture is kept."
        )
        self.fields["picture"].help_text = said % {"size": MOST_BYTES // 1024, "side": MOST_SIDE}

    def clean_picture(self) -> bytes:
        """No more of it than decides that it is too much."""
        content: bytes = self.cleaned_data["picture"].read(MOST_BYTES + 1)
        return content
