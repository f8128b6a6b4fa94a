"""Every door at which an application changes something about itself, and what a manifest can do there."""

from typing import Any

from applications.actions import resources, signal_streams
from iam_portal.walls import tenant_scope
from tests.support.changing import Change, Prepared, Stage
from tests.support.changing_rest import ACCESS, SHARING, grown

KEPT = f"{ACCESS.partition('/tenants/')[0]}/application/tenants/{{tenant_id}}/resources"
SIGNALS = f"{KEPT.rpartition('/')[0]}/signals"
DELETED = "iam.person.deleted.v1"
MANIFEST = f"{SHARING.partition('/tenants/')[0]}/application/manifest"
AT: dict[str, Any] = {"resource_type": "urn:test", "resource_id": "press"}
PRESS: dict[str, Any] = {"name": "Press", "privileges": ["read"]}
ITEM = {"resourceType": AT["resource_type"], "resourceId": AT["resource_id"], **PRESS}
OWN: dict[str, Any] = {"by": "application", "known": AT}


def kept(stage: Stage) -> Prepared:
    """The organization has that resource already."""
    mine = stage.mine
    with tenant_scope(mine.tenant.id):
        place = resources.Place(application=mine.application, tenant=mine.tenant, **stage.system)
        resources.put(
            place,
            resources.Wanted(
                address=(AT["resource_type"], AT["resource_id"]), name="Press", privileges=("read",)
            ),
        )
    return {}


def renamed(stage: Stage) -> dict[str, Any]:
    """The resource and a role under other names, with what was granted on them."""
    old, new = {"type": "urn:test", "id": "machines"}, {"type": "urn:test", "id": "robots"}
    held = {"resourceType": new["type"], "resourceId": new["id"], "privileges": ["read"]}
    more = {**held, "privileges": ["read", "modify"]}
    return {
        "resources": [{**new, "privileges": ["read", "modify"], "supersedes": old}],
        "roles": [
            {"key": "reader", "permissions": [held], "supersedes": "viewer"},
            {"key": "editor", "permissions": [more]},
        ],
    }


def streaming(stage: Stage) -> Prepared:
    """It is told about people there already; the stream is named where a door wants it."""
    mine = stage.mine
    with tenant_scope(mine.tenant.id):
        where = signal_streams.Where(mine.application, mine.tenant, **stage.system)
        wanted = signal_streams.Wanted("poll", "https://portal.example/poll", (DELETED,), ())
        row = signal_streams.create(where, wanted)
    return {"body": {"stream_id": str(row.pk)}, "query": f"stream_id={row.pk}"}


CHANGES: dict[str, list[Change]] = {
    f"PUT {KEPT}/{{resource_type}}/{{resource_id}}": [
        Change(PRESS, **OWN),
        Change({**PRESS, "name": "Other"}, before=kept, **OWN),
    ],
    f"DELETE {KEPT}/{{resource_type}}/{{resource_id}}": [Change(before=kept, **OWN)],
    f"POST {KEPT}:batch": [Change({"items": [ITEM]}, **OWN)],
    f"POST {SIGNALS}/stream": [Change({"description": "x"}, **OWN)],
    f"PATCH {SIGNALS}/stream": [Change({"description": "x"}, before=streaming, **OWN)],
    f"PUT {SIGNALS}/stream": [Change({"description": "x"}, before=streaming, **OWN)],
    f"DELETE {SIGNALS}/stream": [Change(before=streaming, **OWN)],
    f"POST {SIGNALS}/status": [Change({"status": "paused"}, before=streaming, **OWN)],
    f"POST {SIGNALS}/verify": [Change({"state": "x"}, before=streaming, **OWN)],
    f"PUT {MANIFEST}": [Change(grown, **OWN), Change(renamed, **OWN)],
    f"PUT {SHARING}/applications/{{application_id}}/manifest": [Change(grown), Change(renamed)],
}
