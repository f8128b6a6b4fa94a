"""What is typed about a role of one's own, and about a manifest."""

from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from applications.models.resources import ROLE_KEY_PATTERN


class RoleForm(forms.Form):
    """What people read of a role; its permissions stand beside it."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What people see when they give it."))
    description = forms.CharField(
        label=_("Description"), max_length=500, required=False, widget=forms.Textarea({"rows": 2})
    )


class NewRoleForm(RoleForm):
    """A role to make."""

    key = forms.RegexField(
        ROLE_KEY_PATTERN,
        label=_("Key"),
        max_length=64,
        required=False,
        help_text=_("Its name in tokens, for good. Empty: made from the name."),
        error_messages={"invalid": _("Use 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit.")},
    )
    field_order = ("name", "key", "description")

    def clean(self) -> dict[str, Any]:
        """A key out of the name, where none was chosen."""
        given = super().clean() or {}
        if given.get("name") and "key" not in self.errors and not given.get("key"):
            given["key"] = slugify(given["name"])[:64].strip("-_")
            if not given["key"]:
                self.add_error("key", _("No key can be made from this name. Choose one."))
        return given


class RoleConfirmForm(forms.Form):
    """Carries the whole draft through the confirmation, out of sight."""

    name = forms.CharField(widget=forms.HiddenInput)
    description = forms.CharField(widget=forms.HiddenInput, required=False)
    kept = forms.CharField(widget=forms.HiddenInput, required=False)


class ManifestForm(forms.Form):
    """A document, pasted or in a file: one of them is needed, and neither is called optional."""

    text = forms.CharField(
        label=_("Manifest"),
        required=False,
        strip=False,
        max_length=2_000_000,
        widget=forms.Textarea({"rows": 24, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("JSON or YAML. Whatever it does not name any more, ends."),
    )
    file = forms.FileField(
        label=_("Or a file"), required=False, help_text=_("Then what stands above is left aside.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.either = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """``document``: the file's text, else what was typed."""
        given = super().clean() or {}
        if file := given.get("file"):
            try:
                given["document"] = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", _("The file holds no text in UTF-8."))
        else:
            given["document"] = given.get("text", "")
        if not self.errors and not given["document"].strip():
            self.add_error("text", _("Paste the manifest, or choose a file."))
        return given

    def keep(self) -> None:
        """Draw what came as a file as text: a browser does not send a file twice."""
        self.data = {**dict(self.data.items()), "text": self.cleaned_data["document"]}
