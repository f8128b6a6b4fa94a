"""The forms of webhooks: shape only, every rule is the action's."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from applications.forms import Data, MomentField

# What a kind of events is about. A kind that is not named here is shown by its type.
KINDS: dict[str, str | Promise] = {
    "iam.application.*": _("Applications become available or unavailable"),
    "iam.acl.*": _("What roles may do in an application changed"),
    "iam.contract.*": _("Contracts are proposed, accepted, paused, resumed, ended"),
    "iam.partnership.*": _("Partnerships are invited, confirmed, declined, ended"),
    "iam.role.*": _("Roles are declared, changed, given, taken away"),
    "iam.resource.*": _("Applications make, change or end resources of your organization"),
    "iam.webhook.*": _("Webhooks are paused or resumed"),
}


class WebhookForm(forms.Form):
    """Where to send what. ``kinds``: those that the person may read himself."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text=_("Public, and by https. Events are posted there as CloudEvents, signed."),
    )
    types = forms.MultipleChoiceField(label=_("Events"), required=False, widget=forms.CheckboxSelectMultiple)
    single = forms.CharField(
        label=_("Single types"),
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Instead of a whole kind, one in each line, like iam.contract.ended.v1."),
    )
    application = forms.ChoiceField(
        label=_("About"),
        required=False,
        help_text=_("One of your applications is told of itself in every organization that it serves."),
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(
        self,
        data: Data = None,
        *,
        initial: Mapping[str, Any] | None = None,
        kinds: Sequence[str],
        applications: Sequence[tuple[str, str]] | None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.fields["types"].choices = [(kind, KINDS.get(kind, kind)) for kind in kinds]  # type: ignore[attr-defined]
        if applications is None:  # of an old one it stays
            del self.fields["application"]
        else:
            whole = ("", _("All events of your organization"))
            self.fields["application"].choices = [whole, *applications]  # type: ignore[attr-defined]

    def chosen(self) -> tuple[str, ...]:
        """Kinds and single types together."""
        return (*self.cleaned_data["types"], *self.cleaned_data["single"].split())


class RecoverForm(forms.Form):
    """Since when."""

    since = MomentField(
        label=_("Failed since"),
        help_text=_("What its turn has not come for yet is tried again by itself, and is not meant here."),
    )


class RotateForm(forms.Form):
    """How long the present secret stays."""

    old_ends_at = MomentField(
        label=_("The present secret signs until"),
        required=False,
        help_text=_("Empty: until you revoke it. Until then each request carries a signature by both."),
    )
