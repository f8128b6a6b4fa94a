"""Every page at which identity providers change, or are used on the way in, filled in and sent."""

from typing import Any

from iam_portal.walls import tenant_scope
from tenants.models import IdentityLink, IdentityProvider
from tests.support.changing import Change, Prepared, Somebody, Stage
from tests.support.coming_from import arrive
from tests.support.knocking import Knocker

PROVIDERS = "/t/{slug}/settings/identity-providers"
PROVIDER = f"{PROVIDERS}/{{provider_key}}"
NEW = {"name": "Other", "key": "other", "issuer": "https://n.example", "client_id": "c"}
MAPPER = {"kind": "display_name", "when": "every", "template": "{name}"}


def somebody(stage: Stage) -> Prepared:
    return {"body": {"user": stage.somebody().username, "subject": "kim-1"}}


def _arrived(stage: Stage) -> dict[str, str]:
    """The cookie of who came from the provider and is unknown."""
    tenant = stage.mine.tenant
    with tenant_scope(tenant.id):
        provider = IdentityProvider.objects.get(tenant=tenant)
        IdentityProvider.objects.update(makes_people=True)
        claims: dict[str, Any] = {"email": "new@corp.example", "email_verified": True}
        return {f"iam_arrival_{tenant.id.hex}": arrive(provider, at=stage.at, **claims)}


def new_person(stage: Stage) -> Prepared:
    return {"who": Somebody(stage.mine.tenant, stage.mine.user, Knocker()), "cookies": _arrived(stage)}


def mine_there(stage: Stage) -> Prepared:
    with tenant_scope(stage.mine.tenant.id):
        IdentityLink.objects.all().delete()
    return {"cookies": _arrived(stage)}


PAGES: dict[str, list[Change]] = {
    "POST /t/{slug}/settings/new-identity-provider": [Change({**NEW, "client_secret": "s"})],
    f"POST {PROVIDER}/change": [Change({"makes_people": "on"}, fills=("client_id",))],
    f"POST {PROVIDER}/delete": [Change()],
    f"POST {PROVIDER}/mappers/new": [Change(MAPPER)],
    f"POST {PROVIDER}/mappers/{{mapper_id}}": [Change(MAPPER)],
    f"POST {PROVIDER}/mappers/{{mapper_id}}/delete": [Change()],
    f"POST {PROVIDER}/people/add": [Change(before=somebody)],
    f"POST {PROVIDER}/people/{{user_id}}/remove": [Change()],
    "POST /t/{slug}/sign-in/arrival": [
        Change({"username": "newcomer", "display_name": "New"}, before=new_person)
    ],
    "POST /t/{slug}/account/identities/{provider_key}/remove": [Change(fills=())],
    "POST /t/{slug}/account/identities/link": [Change(before=mine_there, fills=())],
}
