"""What the pages show on which a second factor is set up: in the account, and on the way in."""

import json
from datetime import datetime
from typing import Any

import segno

from tenants.actions import apps, passkeys
from tenants.forms.factors import AppForm, PasskeyForm
from tenants.models import User


def app(user: User, form: Any, *, at: datetime) -> dict[str, Any]:
    """The picture and its secret; the same once more where the code was mistyped."""
    sealed = form["set_up"].value() if isinstance(form, AppForm) else ""
    found = apps.again(user=user, sealed=sealed or "", at=at) if sealed else apps.propose(user=user, at=at)
    shown = form if isinstance(form, AppForm) else AppForm()
    picture = segno.make(found.address, micro=False).svg_data_uri(
        scale=4, border=4, dark="#000", light="#fff", omitsize=False
    )
    spelled = " ".join(found.secret[i : i + 4] for i in range(0, len(found.secret), 4))
    return {"app_form": shown, "picture": picture, "secret": spelled, "set_up": found.sealed}


def passkey(user: User, form: Any, *, bound_to: object, at: datetime) -> dict[str, Any]:
    """What the browser is asked to make."""
    asked = passkeys.ask_to_make(user=user, bound_to=bound_to, at=at)
    shown = form if isinstance(form, PasskeyForm) else PasskeyForm()
    shown.auto_id = "passkey_%s"  # the form of an app may stand beside it
    return {"passkey_form": shown, "asked": for_browser(asked)}


def for_browser(asked: passkeys.Asked) -> dict[str, str]:
    """``options`` as the script reads them, ``challenge`` as the form sends it back."""
    return {"options": json.dumps(asked.options), "challenge": asked.signed}
