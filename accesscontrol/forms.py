"""What people type when they give roles."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.forms import SpanForm


class AssignForm(SpanForm):
    """A role and a span. Which roles there are is given; the action decides whether one may be given."""

    role = forms.ChoiceField(
        label=_("Role"),
        error_messages={
            "required": _("Choose a role."),
            "invalid_choice": _("Choose a role that is offered."),
        },
    )
    field_order = ("role", "starts_at", "ends_at")

    def __init__(self, *args: Any, values: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = values
