"""Every page at which second factors change, or are used on the way in, filled in and sent with success."""

from datetime import datetime
from typing import Any

from iam_portal.walls import tenant_scope
from tenants.actions import apps, factors, passkeys, steps
from tenants.actions.challenges import Purpose
from tenants.actions.passkeys import Answer
from tenants.models import AuthenticatorApp, Tenant, User, UserSession
from tests.support.authenticating import Device, code, with_app
from tests.support.changing import Change, Prepared, Somebody, Stage
from tests.support.factories import PASSWORD, acting
from tests.support.knocking import Knocker

FACTORS = "/t/{slug}/account/factors"
SIGN_IN = "/t/{slug}/sign-in"


def device_of(user: User, *, at: datetime) -> Device:
    """Somebody's device, with a passkey that the portal knows."""
    device = Device()
    asked = passkeys.ask_to_make(user=user, bound_to="", at=at)
    answer = Answer(device.make(dict(asked.options)), asked.signed)
    factors.add_passkey(user=user, answer=answer, bound_to="", name="key", by=acting(user), at=at)
    return device


def new_app(stage: Stage) -> dict[str, Any]:
    return _new_app(stage.mine.user, stage.at)


def _new_app(user: User, at: datetime) -> dict[str, Any]:
    found = apps.propose(user=user, at=at)
    return {"name": "phone", "set_up": found.sealed, "code": code(found.secret, at)}


def new_passkey(stage: Stage) -> dict[str, Any]:
    user = stage.mine.user
    with tenant_scope(user.tenant_id):
        session = UserSession.objects.filter(user=user, ended_at=None).latest("created_at")
        asked = passkeys.ask_to_make(user=user, bound_to=session.pk, at=stage.at)
    made = Device().make(dict(asked.options))
    return {"name": "key", "credential": made, "challenge": asked.signed}


def app_held(stage: Stage) -> Prepared:
    with_app(stage.mine.user, at=stage.at)
    with tenant_scope(stage.mine.tenant.id):
        return {"factor_id": AuthenticatorApp.objects.get(user=stage.mine.user).pk}


def somebodys_app(stage: Stage) -> Prepared:
    user = stage.somebody()
    with_app(user, at=stage.at)
    return {"user_id": user.id}


def halfway(stage: Stage) -> Prepared:
    """His password was right, and he has an app."""
    user = stage.somebody()
    secret, _codes = with_app(user, at=stage.at)
    return {**_step(user, stage.at), "body": {"code": code(secret, stage.at)}}


def setting_up(stage: Stage) -> Prepared:
    """His password was right, everybody needs a second factor, and he has none."""
    user = stage.somebody()
    Tenant.objects.filter(pk=user.tenant_id).update(second_factor_roles=[steps.EVERYBODY])
    return {**_step(user, stage.at), "body": _new_app(user, stage.at)}


def with_passkey(stage: Stage) -> Prepared:
    user, at = stage.somebody(), stage.at
    with tenant_scope(user.tenant_id):
        device = device_of(user, at=at)
        given: dict[str, Any] = {"tenant_id": user.tenant_id, "bound_to": "", "at": at, "user": None}
        asked = passkeys.ask(purpose=Purpose.SIGN_IN, **given)
    body = {"credential": device.answer(dict(asked.options)), "challenge": asked.signed}
    return {"who": _nobody(user), "body": body}


def _step(user: User, at: datetime) -> Prepared:
    with tenant_scope(user.tenant_id):
        token = steps.begin(user=user, at=at).token
    return {"who": _nobody(user), "cookies": {f"iam_step_{user.tenant_id.hex}": token}}


def _nobody(user: User) -> Somebody:
    """The same person before he is in."""
    return Somebody(user.tenant, user, Knocker())


PAGES: dict[str, list[Change]] = {
    "POST /t/{slug}/account/confirm": [Change({"password": PASSWORD})],
    f"POST {FACTORS}/app": [Change(new_app)],
    f"POST {FACTORS}/passkey": [Change(new_passkey)],
    f"POST {FACTORS}/codes": [Change(before=app_held)],
    f"POST {FACTORS}/{{factor_id}}/remove": [Change(before=app_held)],
    f"POST {FACTORS}/{{factor_id}}/rename": [Change({"name": "tablet"}, before=app_held)],
    f"POST {SIGN_IN}/second": [Change(before=halfway)],
    f"POST {SIGN_IN}/set-up": [Change(before=setting_up)],
    f"POST {SIGN_IN}/passkey": [Change(before=with_passkey)],
    "POST /t/{slug}/settings/second-factors": [Change({"roles": ["*"]}, fills=("revision",))],
    "POST /t/{slug}/users/{user_id}/reset-factors": [Change(before=somebodys_app)],
}
