"""The states of things as they are shown: a shape, a colour and a word, never colour alone."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Look(NamedTuple):
    """``shape`` names the drawing in icons.svg and the class in portal.css."""

    shape: str
    word: str | Promise


LOOKS = {
    "in_force": Look("in-force", _("In force")),
    "active": Look("in-force", _("Active")),
    "accepted": Look("in-force", _("Accepted")),
    "confirmed": Look("in-force", _("Confirmed")),
    "allowed": Look("in-force", _("Allowed")),
    "available": Look("in-force", _("Available")),
    "scheduled": Look("scheduled", _("Scheduled")),
    "paused": Look("paused", _("Paused")),
    "suspended": Look("paused", _("Suspended")),
    "ended": Look("ended", _("Ended")),
    "inactive": Look("ended", _("Inactive")),
    "unused": Look("ended", _("Unused for 90 days")),
    "retired": Look("ended", _("Retired")),
    "revoked": Look("ended", _("Revoked")),
    "proposed": Look("proposed", _("Proposed")),
    "invited": Look("proposed", _("Invited")),
    "redeemed": Look("proposed", _("Redeemed")),
    "refused": Look("refused", _("Refused")),
    "declined": Look("refused", _("Declined")),
    "failed": Look("refused", _("Failed")),
    "draft": Look("draft", _("Draft")),
    "withdrawn": Look("withdrawn", _("Withdrawn")),
    "lapsed": Look("lapsed", _("Lapsed")),
    "expired": Look("lapsed", _("Expired")),
    "not_available": Look("not-available", _("Not available")),
}


def look(state: str) -> Look:
    """How a state is shown; an unknown one as a draft with its own name, so that it is seen."""
    key = str(state).strip().lower().replace("-", "_").replace(" ", "_")
    return LOOKS.get(key) or Look("draft", key.replace("_", " ").capitalize())
