"""Every REST door that changes something, opened with success."""

import base64
from datetime import timedelta
from typing import Any

from applications.actions import applications, manifests
from iam_portal.walls import tenant_scope
from tenants.actions import branding, founding, groups, memberships, partnerships, tenants, users
from tests.applications.sharing import accepted
from tests.support.authenticating import with_app
from tests.support.changing import Change, Prepared, Stage
from tests.support.drawing import png
from tests.support.proving import certified, pem
from tests.support.universe import manifest_of

ACCESS = "/iam/access-management/v1/tenants/{tenant_id}"
SHARING = "/iam/application-management/v1/tenants/{tenant_id}"
APPLICATION = f"{SHARING}/applications/{{application_id}}"
CLIENT = f"{APPLICATION}/clients/{{client_id}}"
CONTRACT = f"{SHARING}/contracts/{{contract_id}}"
PARTNERSHIP = f"{SHARING}/partnerships/{{partnership_id}}"
PROVIDER = f"{ACCESS}/identity-providers/{{provider_key}}"
NEW_PROVIDER = {"name": "N", "issuer": "https://n.example", "clientId": "c", "clientSecret": "s"}
MAPPER = {"kind": "display_name", "when": "every", "template": "{name}"}
BACK = "https://tool.example/done"
# They are asked by POST, and change nothing; signals that are fetched are noted among the deliveries.
READS = {
    f"POST {ACCESS.partition('/tenants/')[0]}/application/tenants/{{tenant_id}}/signals/poll",
    f"POST {ACCESS}/configuration:plan",
    f"POST {ACCESS}/decisions",
    f"POST {ACCESS}/token-preview",
    f"POST {SHARING}/availability:batch",
    f"POST {SHARING}/partnerships:preview",
}


def assignment(stage: Stage) -> dict[str, Any]:
    role = {"applicationId": stage.mine.application.id, "key": "editor"}
    return {"principal": {"userId": str(stage.mine.user.id)}, "role": role}


def role(stage: Stage) -> dict[str, Any]:
    held = {"applicationId": stage.mine.application.id, "resourceType": "urn:test", "resourceId": "machines"}
    return {"name": "Day shift", "permissions": [{**held, "privileges": ["read", "modify"]}]}


def someone(stage: Stage) -> Prepared:
    return {"user_id": stage.somebody().id}


def with_factor(stage: Stage) -> Prepared:
    user = stage.somebody()
    with_app(user, at=stage.at)
    return {"user_id": user.id}


def gone(stage: Stage) -> Prepared:
    user = stage.somebody()
    with tenant_scope(stage.mine.tenant.id):
        users.deactivate(user_id=user.id, **stage.own)
    return {"user_id": user.id}


def invited(stage: Stage) -> Prepared:
    names = {"username": "lou", "email": "lou@example.org", "display_name": "Lou"}
    with tenant_scope(stage.mine.tenant.id):
        return {"user_id": users.invite(**names, **stage.own).id}


def another_group(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        top = groups.create(name="Top", **stage.own)
    return {"body": {"parentId": str(top.id)}}


def member(stage: Stage) -> Prepared:
    user = stage.somebody()
    with tenant_scope(stage.mine.tenant.id):
        memberships.add(group_id=stage.mine.group.id, user_id=user.id, **stage.own)
    return {"user_id": user.id}


def with_logo(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        branding.put_logo(picture=png(), **stage.own)
    return {}


def for_a_month(stage: Stage) -> dict[str, Any]:
    return {"until": (stage.at + timedelta(days=30)).isoformat()}


def suspended(stage: Stage) -> Prepared:
    applications.suspend(application_id=stage.mine.application.id, reason="", **stage.own)
    return {}


def drafted(stage: Stage) -> Prepared:
    return {"contract_id": stage.mine.draft.id}


def proposed(stage: Stage) -> Prepared:
    return {"contract_id": stage.proposed().id}


def in_force(stage: Stage) -> Prepared:
    return {"contract_id": stage.accepted().id}


def paused(stage: Stage) -> Prepared:
    return {"contract_id": stage.paused().id}


def role_grew(stage: Stage) -> Prepared:
    """An access contract of the organization, and since then its role holds more."""
    mine, at = stage.mine, stage.at
    made = accepted(mine.tenant, mine.partner, mine.application.id, at=at, type="access")
    more = manifest_of(("viewer", "editor"), {"viewer": ["read", "modify"], "editor": ["modify"]})
    manifests.declare(application=mine.application, manifest=more, by=stage.system["by"], at=stage.at)
    return {"contract_id": made.id}


def outsider(stage: Stage) -> Prepared:
    return {"organization_id": stage.mine.tenant.id}


def closed(stage: Stage) -> Prepared:
    tenants.suspend(tenant=stage.mine.partner, reason="", **stage.system)
    return {"organization_id": stage.mine.partner.id}


NEW_FORM = {"name": "New", "slug": "new", "display_name": "Max", "email": "max@example.org"}


def new_organization(stage: Stage) -> dict[str, Any]:
    person = {"displayName": NEW_FORM["display_name"], "email": NEW_FORM["email"]}
    return {"name": NEW_FORM["name"], "slug": NEW_FORM["slug"], "administrator": person}


def founded(stage: Stage) -> Prepared:
    made = founding.found(**NEW_FORM, username="max", **stage.system)
    return {"organization_id": made.id}


def invitation(stage: Stage) -> Prepared:
    made, _ = partnerships.invite(inviter=stage.mine.tenant, **stage.system)
    return {"partnership_id": made.id}


def invitation_from_elsewhere(stage: Stage) -> Prepared:
    _, token = partnerships.invite(inviter=stage.newcomer(), **stage.system)
    return {"body": {"token": token}}


def redeemed(stage: Stage) -> Prepared:
    made, token = partnerships.invite(inviter=stage.mine.tenant, **stage.system)
    partnerships.redeem(token=token, tenant=stage.newcomer(), **stage.system)
    return {"partnership_id": made.id}


def offer(stage: Stage) -> dict[str, Any]:
    roles = [{"applicationId": stage.mine.application.id, "role": "viewer"}]
    return {"consumerTenantId": str(stage.mine.partner.id), "type": "provision", "roles": roles}


def later(stage: Stage) -> dict[str, Any]:
    return {"endsAt": (stage.at + timedelta(days=30)).isoformat()}


def grown(stage: Stage) -> dict[str, Any]:
    held = {"resourceType": "urn:test", "resourceId": "machines", "privileges": ["read"]}
    kinds = {"type": "urn:test", "id": "machines", "name": "M", "privileges": ["read", "modify", "delete"]}
    return {"resources": [kinds], "roles": [{"key": "viewer", "name": "Viewer", "permissions": [held]}]}


def act(name: str, **more: Any) -> Change:
    return Change(known={"act": name}, **more)


CHANGES: dict[str, list[Change]] = {
    f"POST {ACCESS}/assignments": [Change(assignment)],
    f"POST {ACCESS}/assignments:batch": [Change(lambda stage: {"items": [assignment(stage)]})],
    f"DELETE {ACCESS}/assignments/{{assignment_id}}": [Change()],
    f"POST {ACCESS}/configuration:apply": [
        Change({"version": 1, "groups": [{"name": "Dispatch"}, {"name": "Day"}]})
    ],
    f"PATCH {ACCESS}/branding": [Change({"name": "Acme Group", "colour": "#0b5394"})],
    f"PUT {ACCESS}/branding/logo": [Change({"picture": base64.b64encode(png()).decode()})],
    f"DELETE {ACCESS}/branding/logo": [Change(before=with_logo)],
    f"PATCH {ACCESS}/deleted-people": [Change({"historyKeeps": "pseudonym"})],
    f"POST {ACCESS}/groups": [Change({"name": "Day"})],
    f"PATCH {ACCESS}/groups/{{group_id}}": [Change({"description": "Early"})],
    f"DELETE {ACCESS}/groups/{{group_id}}": [Change()],
    f"PUT {ACCESS}/groups/{{group_id}}/members/{{user_id}}": [
        Change(before=someone),
        Change(for_a_month, before=someone),
        Change(for_a_month, before=member),
    ],
    f"DELETE {ACCESS}/groups/{{group_id}}/members/{{user_id}}": [Change(before=member)],
    f"POST {ACCESS}/groups/{{group_id}}/move": [Change(before=another_group)],
    f"PATCH {ACCESS}/password-rules": [Change({"length": 20})],
    f"PATCH {ACCESS}/lifetimes": [Change({"sessionSeconds": 7200})],
    f"POST {ACCESS}/identity-providers": [Change({**NEW_PROVIDER, "key": "other"})],
    f"PATCH {PROVIDER}": [Change({"makesPeople": True})],
    f"DELETE {PROVIDER}": [Change()],
    f"POST {PROVIDER}/mappers": [Change(MAPPER)],
    f"PUT {PROVIDER}/mappers/{{mapper_id}}": [Change(MAPPER)],
    f"DELETE {PROVIDER}/mappers/{{mapper_id}}": [Change()],
    f"PUT {PROVIDER}/people/{{user_id}}": [Change({"subject": "kim-1"}, before=someone)],
    f"DELETE {PROVIDER}/people/{{user_id}}": [Change()],
    f"POST {ACCESS}/roles": [Change(lambda stage: {"key": "day-shift", **role(stage)})],
    f"PUT {ACCESS}/roles/{{key}}": [Change(role, known={"key": "night-shift"})],
    f"DELETE {ACCESS}/roles/{{key}}": [Change(known={"key": "night-shift"})],
    f"POST {ACCESS}/users": [
        Change({"username": "max", "email": "max@example.org", "displayName": "Max"}),
    ],
    f"PATCH {ACCESS}/users/{{user_id}}": [Change({"displayName": "Janet"})],
    f"DELETE {ACCESS}/users/{{user_id}}": [Change(before=someone)],
    f"POST {ACCESS}/users/{{user_id}}/export": [Change(before=someone)],
    f"POST {ACCESS}/users/{{user_id}}/resend-invitation": [Change(before=invited)],
    f"POST {ACCESS}/users/{{user_id}}/reset-password": [Change(before=someone)],
    f"POST {ACCESS}/users/{{user_id}}/reset-factors": [Change(before=with_factor)],
    f"PUT {ACCESS}/second-factors": [Change({"everybody": True, "roles": []})],
    f"POST {ACCESS}/users/{{user_id}}/{{act}}": [
        act("deactivate", before=someone),
        act("reactivate", before=gone),
    ],
    f"POST {SHARING}/applications": [Change({"name": "new", "displayName": "New"})],
    f"PATCH {APPLICATION}": [Change({"description": "Better"})],
    f"DELETE {APPLICATION}": [Change()],
    f"POST {APPLICATION}/suspend": [Change()],
    f"POST {APPLICATION}/resume": [Change(before=suspended)],
    f"PUT {APPLICATION}/manifest": [Change(grown)],
    f"POST {APPLICATION}/clients": [Change({"kind": "public", "redirectUris": [BACK], "webOrigins": []})],
    f"PATCH {CLIENT}": [Change({"redirectUris": [BACK]})],
    f"POST {CLIENT}/certificates": [Change({"pem": pem(certified("new"))})],
    f"DELETE {CLIENT}/certificates/{{certificate_id}}": [Change()],
    f"POST {CLIENT}/keys": [Change({"jwksUri": "https://x.example/jwks"})],
    f"DELETE {CLIENT}/keys/{{key_id}}": [Change()],
    f"POST {CLIENT}/secrets": [Change({"note": "new"})],
    f"DELETE {CLIENT}/secrets/{{secret_id}}": [Change()],
    f"POST {CLIENT}/trusted-issuers": [Change({"issuer": "https://x.example", "subject": "new"})],
    f"DELETE {CLIENT}/trusted-issuers/{{issuer_id}}": [Change()],
    f"POST {SHARING}/contracts": [Change(offer)],
    f"PATCH {CONTRACT}": [Change({"note": "Better"}, before=drafted)],
    f"POST {CONTRACT}/amendments": [Change(later, before=in_force)],
    f"POST {CONTRACT}/amendments/{{amendment_id}}/{{act}}": [
        act("accept", by="partner"),
        act("decline", by="partner"),
        act("withdraw"),
    ],
    f"POST {CONTRACT}/confirm": [Change(before=role_grew)],
    f"DELETE {CONTRACT}/pauses/{{pause_id}}": [Change()],
    f"POST {CONTRACT}/{{act}}": [
        act("propose", before=drafted),
        act("accept", before=proposed, by="partner"),
        act("decline", before=proposed, by="partner"),
        act("withdraw", before=proposed),
        act("pause", before=in_force),
        act("resume", before=paused),
        act("end", before=in_force),
    ],
    f"POST {SHARING}/organizations": [Change(new_organization, by="operator")],
    f"PATCH {SHARING}/organizations/{{organization_id}}": [
        Change({"name": "Other"}, before=outsider, by="operator")
    ],
    f"POST {SHARING}/organizations/{{organization_id}}/resend-invitation": [
        Change(before=founded, by="operator")
    ],
    f"POST {SHARING}/organizations/{{organization_id}}/suspend": [Change(before=outsider, by="operator")],
    f"POST {SHARING}/organizations/{{organization_id}}/resume": [Change(before=closed, by="operator")],
    f"POST {SHARING}/partnerships": [Change()],
    f"POST {SHARING}/partnerships:redeem": [Change(before=invitation_from_elsewhere)],
    f"PUT {PARTNERSHIP}/auto-accept": [Change({"types": ["provision"]})],
    f"POST {PARTNERSHIP}/{{act}}": [
        act("confirm", before=redeemed),
        act("decline", before=redeemed),
        act("revoke", before=invitation),
        act("end"),
    ],
}
