"""The workbook of roles, groups and mappings, as a person sends it."""

import base64
import binascii
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LARGEST = 1_500_000  # bytes: it comes back as text of the form, whose size is limited, too


class SheetForm(forms.Form):
    """A file, or the one that was looked at before: a browser does not send a file twice."""

    file = forms.FileField(
        label=gettext_lazy("Workbook"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".xlsx"}),
        help_text=gettext_lazy("The .xlsx file that was downloaded here, with your changes."),
    )
    workbook = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].either = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """``raw``: the bytes of the workbook."""
        given = super().clean() or {}
        file = given.get("file")
        try:
            raw = (
                file.read(LARGEST + 1) if file else base64.b64decode(given.get("workbook", ""), validate=True)
            )
        except (binascii.Error, ValueError):
            raw = b""
        if not self.errors and not raw:
            self.add_error("file", _("Choose the workbook."))
        if len(raw) > LARGEST:
            self.add_error("file", _("The workbook is too large for this page: apply it by REST."))
        given["raw"] = raw
        return given

    def keep(self) -> None:
        """For the next step, in the form itself."""
        text = base64.b64encode(self.cleaned_data["raw"]).decode()
        self.data = {**dict(self.data.items()), "workbook": text}
