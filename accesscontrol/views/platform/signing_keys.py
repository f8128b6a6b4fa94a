"""Signing keys, the ring that seals them, and peppers; rotation, and withdrawing one that was stolen."""

import re
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from accesscontrol.actions import keys as held
from accesscontrol.actions import rotation
from accesscontrol.forms import RotationForm
from accesscontrol.installation import keyrings
from accesscontrol.models import SigningKey
from accesscontrol.models.keys import ALGORITHMS, KeyState
from accesscontrol.views.platform.frame import PlatformPage, whole
from iam_portal.errors import NotFound
from tenants.forms import TypedNameForm
from tenants.views.console import FormPage

_STATES: dict[KeyState, tuple[str, str | Promise]] = {
    KeyState.NEXT: ("scheduled", pgettext_lazy("key", "Next")),
    KeyState.ACTIVE: ("active", gettext_lazy("Signs")),
    KeyState.RETIRING: ("withdrawn", gettext_lazy("Verifies only")),
    KeyState.WITHDRAWN: ("ended", gettext_lazy("Withdrawn")),
}
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST = 30  # withdrawn ones are kept for good
_TYPED = 8  # signs of a key's id that have to be typed


class KeyList(PlatformPage):
    """What signs, what will and what still verifies; who needs which key of the ring and which pepper."""

    permission = "Keys:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        found = keyrings.signing_keys(at=self.at)
        unreadable = [key.kid for key in found if not key.readable]
        context = {
            "page": {
                "title": _("Keys"),
                "lead": _("Everybody's tokens are signed by these. They take turns by themselves."),
                "primary": self.link(
                    _("Rotate"), "Keys:execute", self.url("accesscontrol:key-rotate"), icon="refresh"
                ),
            },
            "unreadable": unreadable,
            "turns": [_due(turn) for turn in keyrings.turns(found, at=self.at)],
            "table": {
                "caption": _("Signing keys"),
                "columns": _columns(),
                "rows": [{"cells": _cells(self, key)} for key in found[:_MOST]],
            },
            "ring": _ring(keyrings.ring(found)),
            "peppers": _peppers(keyrings.peppers(at=self.at)),
            "history_url": f"{self.url('tenants:activity-list')}?action=signing_key.*"
            if self.can("ActivityLog:read")
            else "",
        }
        return self.render("accesscontrol/key_list.html", context)


class RotateKeys(PlatformPage, FormPage):
    """The next keys: when they begin, and what becomes of the present ones, is said before."""

    permission = "Keys:execute"
    recent = True
    template = "accesscontrol/key_rotate.html"

    def frame(self) -> dict[str, Any]:
        back = self.url("accesscontrol:key-list")
        page = {
            "title": _("Rotate signing keys"),
            "breadcrumb": [{"label": _("Keys"), "url": back}],
            "lead": _("No token in use breaks: a new key is published before it signs."),
        }
        found = keyrings.turns(keyrings.signing_keys(at=self.at), at=self.at)
        return {"page": page, "submit": _("Publish the next keys"), "cancel_url": back, "turns": found}

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.form_page(RotationForm(algorithms=ALGORITHMS, initial={"when": RotationForm.USUAL}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RotationForm(request.POST, algorithms=ALGORITHMS)
        if form.is_valid():
            given = form.cleaned_data
            one = given["algorithm"]
            wanted = list(ALGORITHMS) if one == RotationForm.ALL else [one]
            with self.attempt(form) as outcome:
                if given["when"] == RotationForm.SOONEST:
                    made = rotation.plan_soonest(algorithms=wanted, by=self.actor, at=self.at)
                else:
                    begins_at = given["begins_at"] if given["when"] == RotationForm.MOMENT else None
                    made = rotation.plan(algorithms=wanted, by=self.actor, at=self.at, begins_at=begins_at)
            if outcome:
                return self.done(_said(made), self.url("accesscontrol:key-list"))
        return self.form_page(form)


class WithdrawKey(PlatformPage, FormPage):
    """A key that others may have: what it signed is refused from now on. Its first signs have to be typed."""

    permission = "Keys:delete"
    recent = True
    template = "accesscontrol/key_withdraw.html"

    def key(self) -> SigningKey:
        """Still one that somebody believes; what is withdrawn has no such page."""
        kid = self.kwargs["kid"]  # a NUL in it would break the statement
        found = SigningKey.objects.filter(kid=kid).first() if _KID.fullmatch(kid) else None
        if found is None or found.state(self.at) is KeyState.WITHDRAWN:
            raise NotFound
        return found

    def frame(self) -> dict[str, Any]:
        row, back = self.key(), self.url("accesscontrol:key-list")
        page = {
            "title": _("Withdraw a stolen key"),
            "breadcrumb": [{"label": _("Keys"), "url": back}],
            "copy_id": row.kid,
        }
        following = SigningKey.objects.planned(self.at).filter(algorithm=row.algorithm).exclude(kid=row.kid)
        return {
            "page": page,
            "key": row,
            "signs": row.state(self.at) is KeyState.ACTIVE,
            "following": following.first(),
            "seconds": int(held.MAX_AGE + held.LOOK_AGAIN),
            "here": int(held.LOOK_AGAIN),
            "cancel_url": back,
        }

    def get(self, request: HttpRequest, kid: str) -> HttpResponse:
        return self.form_page(TypedNameForm(name=self.key().kid[:_TYPED]))

    def post(self, request: HttpRequest, kid: str) -> HttpResponse:
        form = TypedNameForm(request.POST, name=self.key().kid[:_TYPED])
        if form.is_valid():
            with self.attempt(form) as outcome:
                gone = rotation.withdraw(kids=[kid], by=self.actor, at=self.at)
            if outcome:
                words = {"kid": kid[:_TYPED], "signer": gone[0].signer[:_TYPED] if gone else ""}
                said = _("The key %(kid)s… is withdrawn. %(signer)s… signs now.") % words
                return self.done(said, self.url("accesscontrol:key-list"))
        return self.form_page(form)


def _columns() -> list[dict[str, Any]]:
    labels = (_("Key"), _("State"), _("Signs from"), _("Verifies until"))
    return [*({"label": label} for label in labels), {"label": _("Act"), "hidden_label": True}]


def _cells(page: PlatformPage, key: keyrings.Key) -> list[dict[str, Any]]:
    shape, word = _STATES[key.state]
    cells: list[dict[str, Any]] = [
        {"code": f"{key.kid[:12]}…", "note": key.algorithm},
        {"state": shape, "word": word},
        {"at": key.active_from, "note": _until(key)},
        {"day": key.withdrawn_at} if key.withdrawn_at else {"text": "–"},
        {},
    ]
    if key.state is not KeyState.WITHDRAWN and page.can("Keys:delete"):
        url = page.url("accesscontrol:key-withdraw", kid=key.kid)
        cells[-1] = {"action": {"label": pgettext("key", "Withdraw"), "url": url}}
    return cells


def _until(key: keyrings.Key) -> str:
    """Shown in the reader's zone like every moment in a sentence."""
    if key.retired_at is None:
        return ""
    return _("until %(at)s") % {"at": key.retired_at.strftime("%-d %b %Y, %H:%M UTC")}


def _due(turn: keyrings.Turn) -> dict[str, Any]:
    """Of one algorithm: when the next one signs."""
    if turn.planned_at is not None:
        note = _("published already; the present one verifies on")
        return {
            "label": _("Next %(name)s key signs") % {"name": turn.algorithm},
            "at": turn.planned_at,
            "note": note,
        }
    note = _("by its age; published a while before")
    return {"label": _("Next %(name)s key due") % {"name": turn.algorithm}, "at": turn.due_at, "note": note}


def _ring(found: Sequence[keyrings.Sealing]) -> list[dict[str, Any]]:
    return [
        {
            "label": _("Key %(number)d of the ring") % {"number": one.place},
            "text": ngettext("seals %(count)s signing key", "seals %(count)s signing keys", one.sealed)
            % {"count": whole(one.sealed)},
            "note": _("the newest: seals whatever is new") if one.place == 1 else "",
        }
        for one in found
    ]


def _peppers(found: Sequence[keyrings.Pepper]) -> list[dict[str, Any]]:
    def note(one: keyrings.Pepper) -> str:
        if not one.known:
            return _("Missing in the settings: these secrets are refused.")
        return _("the newest: digests new secrets") if one.newest else ""

    return [
        {
            "label": _("Pepper %(number)d") % {"number": one.number},
            "text": ngettext("needed by %(count)s secret", "needed by %(count)s secrets", one.secrets)
            % {"count": whole(one.secrets)},
            "note": note(one),
        }
        for one in found
    ]


def _said(made: Sequence[SigningKey]) -> str:
    """Of each: from when on."""
    count = len(made)
    text = ngettext("The next key is published.", "The next keys are published.", count)
    return " ".join((text, _("The present ones sign until their turn comes.")))
