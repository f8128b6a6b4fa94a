"""Every page that changes something, filled in and sent with success."""

import base64
import json
from datetime import timedelta
from typing import Any

from accesscontrol.models import Authorization, SigningKey
from accesscontrol.sheets import current
from applications.models import Client
from iam_portal.walls import tenant_scope
from tenants import hashers
from tenants.actions import groups
from tenants.models import UserLink, UserSession
from tenants.views.own_account import PROOF
from tenants.views.sessions import LINK
from tests.support import changing_factors, changing_providers
from tests.support import changing_rest as rest
from tests.support import changing_webhooks as hooks
from tests.support.changing import Change, Prepared, Somebody, Stage
from tests.support.drawing import png
from tests.support.factories import PASSWORD, sign_in
from tests.support.knocking import Knocker
from tests.support.proving import certified, ec_key, pem, public_pem
from tests.support.workbooks import edited

APPLICATION = "/t/{slug}/applications/{application_id}"
CONTRACT = "/t/{slug}/contracts/{contract_id}"
ROLE = "/t/{slug}/roles/{key}"
GROUP = "/t/{slug}/groups/{group_id}"
PARTNER = "/t/{slug}/partners/{partnership_id}"
ORGANIZATIONS = "/t/{slug}/platform/organizations"
USER = "/t/{slug}/users/{user_id}"
WEBHOOK = "/t/{slug}/webhooks/{webhook_id}"
NIGHT = {"key": "night-shift"}
NEW = "another horse battery"
CONFIRMS: dict[str, Any] = {"fills": ()}


def signed_in_elsewhere(stage: Stage) -> Prepared:
    """Another browser of the same person."""
    value = sign_in(stage.mine.user, at=stage.at)
    with tenant_scope(stage.mine.tenant.id):
        return {"session_id": UserSession.objects.get(digest=hashers.digest(value)).id}


def signed_in_to_an_application(stage: Stage) -> Prepared:
    at, tenant = stage.at, stage.mine.tenant
    with tenant_scope(tenant.id):
        row = Authorization.objects.create(
            tenant=tenant,
            user=stage.mine.user,
            client=Client.objects.get(client_id=stage.mine.application.id),
            session=UserSession.objects.filter(user=stage.mine.user).first(),
            scope="openid",
            authenticated_at=at,
            created_at=at,
            used_at=at,
        )
    return {"authorization_id": row.id}


def wizard(stage: Stage) -> dict[str, Any]:
    given = {"consumer": str(stage.mine.partner.id), "type": "provision", "step": "summary", "note": "x"}
    return {**given, "roles": [f"{stage.mine.application.id}/viewer"]}


def later(stage: Stage) -> dict[str, Any]:
    return {"go": "save", "ends_at": (stage.at + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")}


def month(stage: Stage) -> dict[str, Any]:
    return {"ends_at": later(stage)["ends_at"]}


def role(stage: Stage) -> dict[str, Any]:
    return {"role": f"{stage.mine.application.id}|editor|"}


def for_somebody(stage: Stage) -> Prepared:
    return {"query": f"user={stage.somebody().id}"}


def another_group(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        return {"body": {"parent": str(groups.create(name="Top", **stage.own).id)}}


def somebody(stage: Stage) -> Prepared:
    return {"body": {"user": stage.somebody().username}}


def smaller_manifest(stage: Stage) -> dict[str, Any]:
    """One that takes something away, so that it has to be looked at first."""
    return {"text": json.dumps(rest.grown(stage)), "go": "apply"}


def workbook(stage: Stage) -> dict[str, Any]:
    """With one group more, as it comes back from what was looked at."""
    raw = edited(current.workbook(**stage.own), lambda book: book["Groups"].append(["From a file"]))
    return {"workbook": base64.b64encode(raw).decode(), "go": "apply"}


def code(stage: Stage) -> Prepared:
    token = rest.invitation_from_elsewhere(stage)["body"]["token"]
    return {"body": {"code": token, "act": "accept"}}


def link(stage: Stage) -> Prepared:
    """What came by mail, out of its address already."""
    user, value, at = stage.somebody(), hashers.fresh(), stage.at
    with tenant_scope(user.tenant_id):
        UserLink.objects.create(
            tenant=user.tenant,
            user=user,
            purpose="reset",
            digest=hashers.digest(value),
            created_at=at,
            expires_at=at + timedelta(hours=1),
        )
    return {"who": Somebody(user.tenant, user, Knocker()), "cookies": {LINK: value}}


def stolen(stage: Stage) -> Prepared:
    kid = SigningKey.objects.signing(stage.at).get(algorithm="ES256").kid
    return {"kid": kid, "body": {"typed": kid[:8]}}


def others_signed_in(stage: Stage) -> Prepared:
    signed_in_elsewhere(stage)
    return {}


def proof(stage: Stage) -> Prepared:
    """Of another address, out of the address of the link already."""
    user, value, at = stage.mine.user, hashers.fresh(), stage.at
    with tenant_scope(user.tenant_id):
        UserLink.objects.create(
            tenant=user.tenant,
            user=user,
            purpose="email",
            email="new@example.org",
            digest=hashers.digest(value),
            created_at=at,
            expires_at=at + timedelta(hours=1),
        )
    return {"cookies": {PROOF: value}}


CHANGES: dict[str, list[Change]] = {
    **changing_factors.PAGES,
    "POST /t/{slug}/account/sessions/{session_id}/end": [Change(before=signed_in_elsewhere, **CONFIRMS)],
    "POST /t/{slug}/account/applications/{authorization_id}/end": [
        Change(before=signed_in_to_an_application, **CONFIRMS)
    ],
    "POST /t/{slug}/account/change": [Change({"display_name": "Janet"})],
    "POST /t/{slug}/account/copy": [Change()],
    "POST /t/{slug}/account/password": [Change({"current": PASSWORD, "password": NEW, "repeated": NEW})],
    "POST /t/{slug}/account/email": [Change({"email": "new@example.org", "current": PASSWORD})],
    "POST /t/{slug}/account/email/prove": [Change(before=proof, **CONFIRMS)],
    "POST /t/{slug}/account/sessions/end-others": [Change(before=others_signed_in, **CONFIRMS)],
    "POST /t/{slug}/settings/workbook": [Change(workbook, first={"go": "look"}, fills=("workbook",))],
    "POST /t/{slug}/settings/passwords": [Change({"length": "20"})],
    f"POST {APPLICATION}/certificates/new": [Change({"pem": pem(certified("new"))})],
    f"POST {APPLICATION}/certificates/new-subject": [
        Change({"subject_dn": "CN=robot,O=Acme", "anchor": pem(certified("anchor", authority=True))})
    ],
    f"POST {APPLICATION}/certificates/{{certificate_id}}/revoke": [Change()],
    f"POST {APPLICATION}/clients/{{client_id}}": [Change({"redirect_uris": rest.BACK})],
    f"POST {APPLICATION}/edit": [Change({"description": "Better"})],
    f"POST {APPLICATION}/issuers/new": [Change({"issuer": "https://x.example", "subject": "new"})],
    f"POST {APPLICATION}/issuers/{{issuer_id}}/revoke": [Change()],
    f"POST {APPLICATION}/keys/new": [Change({"key": public_pem(ec_key("new"))})],
    f"POST {APPLICATION}/keys/{{key_id}}/revoke": [Change()],
    f"POST {APPLICATION}/manifest/edit": [
        Change(smaller_manifest, first={"go": "look"}, fills=("text",)),
    ],
    f"POST {APPLICATION}/public-client": [Change({"redirect_uris": rest.BACK})],
    f"POST {APPLICATION}/suspend": [Change({"reason": "Audit"})],
    f"POST {APPLICATION}/resume": [Change(before=rest.suspended)],
    f"POST {APPLICATION}/retire": [Change({"typed": "Meter"})],
    f"POST {APPLICATION}/secrets/new": [Change({"note": "new"})],
    f"POST {APPLICATION}/secrets/{{secret_id}}/revoke": [Change()],
    "POST /t/{slug}/register-application": [
        Change({"display_name": "New", "name": "new"}),
        Change({"display_name": "Newer", "name": "newer", "kind": "secret"}, fills=("name",)),
    ],
    "POST /t/{slug}/assignments/add": [Change(role, before=for_somebody)],
    "POST /t/{slug}/assignments/{assignment_id}/withdraw": [Change()],
    "POST /t/{slug}/create-role": [Change({"name": "Late shift", "go": "save"}, fills=("kept",))],
    f"POST {ROLE}/edit": [Change({"name": "Ours", "go": "save"}, fills=("kept",), known=NIGHT)],
    f"POST {ROLE}/delete": [Change(known=NIGHT)],
    "POST /t/{slug}/contracts/new": [Change(wizard)],
    f"POST {CONTRACT}/edit": [Change(wizard, before=rest.drafted)],
    f"POST {CONTRACT}/propose": [Change(before=rest.drafted)],
    f"POST {CONTRACT}/accept": [Change(before=rest.proposed, by="partner")],
    f"POST {CONTRACT}/decline": [Change(before=rest.proposed, by="partner")],
    f"POST {CONTRACT}/withdraw": [Change(before=rest.proposed)],
    f"POST {CONTRACT}/amend": [Change(later, before=rest.in_force, first={"go": "review"}, fills=())],
    f"POST {CONTRACT}/amendments/{{amendment_id}}/accept": [Change(by="partner")],
    f"POST {CONTRACT}/amendments/{{amendment_id}}/decline": [Change(by="partner")],
    f"POST {CONTRACT}/amendments/{{amendment_id}}/withdraw": [Change()],
    f"POST {CONTRACT}/confirm": [Change(before=rest.role_grew)],
    f"POST {CONTRACT}/pause": [Change(before=rest.in_force)],
    f"POST {CONTRACT}/pauses/{{pause_id}}/cancel": [Change()],
    f"POST {CONTRACT}/resume": [Change(before=rest.paused)],
    f"POST {CONTRACT}/end": [Change(before=rest.in_force)],
    "POST /t/{slug}/groups/create": [Change({"name": "Day"})],
    f"POST {GROUP}": [Change(before=somebody), Change(month, before=somebody)],
    f"POST {GROUP}/change": [Change({"description": "Early"})],
    f"POST {GROUP}/delete": [Change()],
    f"POST {GROUP}/members/{{user_id}}/change": [Change(month, before=rest.member)],
    f"POST {GROUP}/members/{{user_id}}/remove": [Change(before=rest.member)],
    f"POST {GROUP}/move": [Change(before=another_group)],
    "POST /t/{slug}/platform/keys/rotate": [Change({"when": "usual", "algorithm": "ES256"}, by="operator")],
    "POST /t/{slug}/platform/keys/{kid}/withdraw": [Change(before=stolen, by="operator", fills=())],
    f"POST {ORGANIZATIONS}/create": [Change(rest.NEW_FORM, by="operator")],
    f"POST {ORGANIZATIONS}/{{organization_id}}/rename": [
        Change({"name": "Other"}, before=rest.outsider, by="operator")
    ],
    f"POST {ORGANIZATIONS}/{{organization_id}}/suspend": [
        Change({"reason": "unpaid"}, before=rest.outsider, by="operator")
    ],
    f"POST {ORGANIZATIONS}/{{organization_id}}/resume": [
        Change(before=rest.closed, by="operator", **CONFIRMS)
    ],
    f"POST {ORGANIZATIONS}/{{organization_id}}/invite-again": [
        Change(before=rest.founded, by="operator", **CONFIRMS)
    ],
    "POST /t/{slug}/partners/invite": [Change({"note": "Hello"})],
    "POST /t/{slug}/partners/redeem": [Change(before=code)],
    f"POST {PARTNER}/accepting": [Change({"contract_types": ["provision"]}, **CONFIRMS)],
    f"POST {PARTNER}/confirm": [Change(before=rest.redeemed)],
    f"POST {PARTNER}/decline": [Change(before=rest.redeemed)],
    f"POST {PARTNER}/revoke": [Change(before=rest.invitation)],
    f"POST {PARTNER}/end": [Change()],
    "POST /t/{slug}/settings/branding": [Change({"name": "Acme Group", "colour": "#0b5394"})],
    "POST /t/{slug}/settings/branding/logo": [Change({"picture": png()}, fills=("revision",))],
    "POST /t/{slug}/settings/branding/logo/remove": [Change(before=rest.with_logo)],
    "POST /t/{slug}/settings/deleted-people": [Change({"keeps": "pseudonym"})],
    "POST /t/{slug}/settings/life-times": [Change({"session_seconds": "2 h"})],
    **changing_providers.PAGES,
    "POST /t/{slug}/users/invite": [
        Change({"display_name": "Max", "email": "max@example.org", "username": "max"})
    ],
    f"POST {USER}/copy": [Change(before=rest.someone)],
    f"POST {USER}/change": [Change({"display_name": "Janet"})],
    f"POST {USER}/deactivate": [Change(before=rest.someone)],
    f"POST {USER}/delete": [Change({"typed": "Kim"}, before=rest.someone)],
    f"POST {USER}/reactivate": [Change(before=rest.gone)],
    f"POST {USER}/send-link": [Change(before=rest.someone)],
    "POST /t/{slug}/webhooks/new": [
        Change({"url": "https://x.example/hook", "single": "iam.contract.*"}),
    ],
    f"POST {WEBHOOK}/edit": [Change({"note": "Better"})],
    f"POST {WEBHOOK}/end": [Change()],
    f"POST {WEBHOOK}/pause": [Change()],
    f"POST {WEBHOOK}/resume": [Change(before=hooks.hook_paused)],
    f"POST {WEBHOOK}/test": [Change()],
    f"POST {WEBHOOK}/deliveries/{{delivery_id}}/redeliver": [Change(before=hooks.delivered)],
    f"POST {WEBHOOK}/recover": [Change({"since": "2020-01-01T00:00"}, before=hooks.undelivered)],
    f"POST {WEBHOOK}/secrets/new": [Change()],
    f"POST {WEBHOOK}/secrets/{{secret_id}}/revoke": [Change(before=hooks.two_secrets)],
    "POST /t/{slug}/scim-tokens/new": [
        Change({"note": "Directory", "welcome": "none", "days": "90"}, fills=("note",))
    ],
    "POST /t/{slug}/scim-tokens/{token_id}/revoke": [Change(before=hooks.directory)],
    "POST /t/{slug}/sign-in": [Change({"username": "jane", "password": PASSWORD})],
    "POST /t/{slug}/sign-out/asked": [Change(**CONFIRMS)],
    "POST /t/{slug}/set-password": [Change({"password": NEW, "repeated": NEW}, before=link)],
    "POST /t/{slug}/sign-out": [Change(**CONFIRMS)],
}
