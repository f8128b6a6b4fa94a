"""How long things last, as people type it: ``30 d``, ``12 h``, ``5 min``, or nothing for the default."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from tenants.lifetimes import Lifetime, bounds
from tenants.models import Tenant

LABELS: dict[Lifetime, Any] = {
    Lifetime.ACCESS_TOKEN: gettext_lazy("An access token lasts"),
    Lifetime.REFRESH_IDLE: gettext_lazy("A sign-in to an application, unused"),
    Lifetime.OFFLINE_IDLE: gettext_lazy("A sign-in that stays (offline access), unused"),
    Lifetime.SESSION_IDLE: gettext_lazy("A session in the console, unused"),
    Lifetime.SESSION: gettext_lazy("A session in the console, at most"),
    Lifetime.PROOF: gettext_lazy("Password or passkey, before they are asked for again"),
}
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = {"s": 1, "min": _MINUTE, "h": _HOUR, "d": _DAY}
_TYPED = re.compile(r"([0-9]{1,9}) *(s|min|h|d)?")


def in_words(seconds: int) -> str:
    """``5 minutes``, ``12 hours``, ``90 seconds``: exact, in the largest unit that fits."""
    if seconds % _DAY == 0:
        count = seconds // _DAY
        return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
    if seconds % _HOUR == 0:
        count = seconds // _HOUR
        return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    if seconds % _MINUTE == 0:
        count = seconds // _MINUTE
        return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}


class DurationField(forms.Field):
    """A number with its unit, or of seconds; the value is in seconds."""

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip().lower()
        if not text:
            return None
        found = _TYPED.fullmatch(text)
        if found is None:
            raise forms.ValidationError(_("Write a number and s, min, h or d, like 12 h."), code="invalid")
        return int(found[1]) * _UNITS[found[2] or "s"]

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        unit = next(name for name in ("d", "h", "min", "s") if value % _UNITS[name] == 0)
        return f"{value // _UNITS[unit]} {unit}"


class LifetimesForm(forms.Form):
    """One field for each; the action knows the bounds. Against the revision that was shown."""

    revision = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for of, label in LABELS.items():
            default, least, most = map(in_words, bounds(of))
            said = _("From %(least)s to %(most)s. Empty: %(default)s.")
            self.fields[of] = DurationField(
                label=label,
                required=False,
                help_text=said % {"least": least, "most": most, "default": default},
                widget=forms.TextInput({"autocomplete": "off"}),
            )

    @classmethod
    def of(cls, tenant: Tenant) -> "LifetimesForm":
        """As they are."""
        return cls(initial={"revision": tenant.revision, **{of: getattr(tenant, of) for of in LABELS}})

    @property
    def chosen(self) -> dict[Lifetime, int | None]:
        """What was typed; empty is no choice."""
        return {of: self.cleaned_data[of] for of in LABELS}
