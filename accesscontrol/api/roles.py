"""Tenant roles by REST."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accesscontrol.actions import tenant_roles
from accesscontrol.decide import tenant_role_urn
from accesscontrol.models import TenantRole
from accesscontrol.serializers.roles import RoleBody, RoleIn, RoleOut, RolePage
from iam_portal.errors import Invalid, NotFound
from iam_portal.gate import Privilege
from tenants.api.impact import done, foreseen
from tenants.creating import creates
from tenants.impact import Act
from tenants.rest import TenantAPI, cursor_of, next_page, page_size, switch
from tenants.schema import PAGE, query
from tenants.serializers.impact import ImpactOut

ROLE_OR_IMPACT = PolymorphicProxySerializer("RoleOrImpact", [RoleOut, ImpactOut], None)
DRY_RUN = query("dry_run", "Only show the impact.", bool)
_ORDER = [privilege.value for privilege in Privilege]
_Held = dict[tuple[str, str], dict[str, list[str]]]  # by application and type, by privilege: keys

# A row for all that a role may do alike with resources of one type: as a row for each, thousands took three
# times as long to read. Each is looked up by its id: behind the wall the planner would join all there are.
_PERMISSIONS = """
WITH found AS MATERIALIZED (
    SELECT held.role_id, held.privilege, s.application_id, s.type, s.key FROM (
        SELECT role_id, resource_id, privilege FROM accesscontrol_tenantrolepermission
        WHERE role_id = ANY(%(roles)s) AND during @> %(at)s OFFSET 0
    ) held CROSS JOIN LATERAL (
        SELECT application_id, type, key FROM applications_resource WHERE id = held.resource_id OFFSET 0
    ) s
)
SELECT role_id, application_id, type, privilege, array_agg(key) FROM found
GROUP BY role_id, application_id, type, privilege
"""


class RoleAPI(TenantAPI):
    """What the doors share."""

    def definition(self, key: str, body: dict[str, Any]) -> tenant_roles.Definition:
        """What was sent, as the actions take it."""
        permissions = [
            (item["applicationId"], item["resourceType"], item["resourceId"], privilege)
            for item in body["permissions"]
            for privilege in item["privileges"]
        ]
        return tenant_roles.Definition(
            key=key, name=body["name"], description=body["description"], permissions=permissions
        )

    @property
    def acting(self) -> dict[str, Any]:
        """In whose data, by whom, when."""
        return {"tenant": self.tenant, "by": self.actor, "at": self.at}

    def find(self, key: str) -> TenantRole | None:
        """The living role of this tenant."""
        return TenantRole.objects.at(self.at).filter(tenant_id=self.kwargs["tenant_id"], key=key).first()

    def one(self, key: str) -> TenantRole:
        """The same, or NotFound."""
        role = self.find(key)
        if role is None:
            raise NotFound
        return role

    def act(self, name: str, role: TenantRole) -> Act:
        """The act, for its impact."""
        asked = {"role": role.key, "revision": role.revision}
        return Act(name=name, tenant=self.tenant, subject=role, at=self.at, asked=asked)

    def deleting(self, key: str, revision: int | None = None) -> Callable[[], None]:
        """The act itself."""
        return lambda: tenant_roles.delete(key=key, revision=revision, **self.acting)

    def shown(self, role: TenantRole) -> Response:
        """With its revision, to be sent back in ``If-Match``."""
        return Response(self.shapes([role])[0], headers={"ETag": f'"r-{role.revision}"'})

    def shapes(self, roles: list[TenantRole]) -> list[dict[str, Any]]:
        """With their permissions, of which there may be thousands, in one query."""
        with connection.cursor() as cursor:
            cursor.execute(_PERMISSIONS, {"roles": [role.id for role in roles], "at": self.at})
            rows = cursor.fetchall()
        held: dict[UUID, _Held] = defaultdict(lambda: defaultdict(dict))
        for role_id, application_id, kind, privilege, keys in rows:
            held[role_id][application_id, kind][privilege] = keys
        return [_shape(role, held[role.id]) for role in roles]


class Roles(RoleAPI):
    """The roles that the tenant made."""

    permissions = {"GET": "Roles:read", "POST": "Roles:add"}
    recent = frozenset({"POST"})

    @extend_schema(parameters=PAGE, responses=RolePage, operation_id="roles_list")
    def get(self, request: Request, **kwargs: Any) -> Response:
        """In the order of their keys."""
        limit = page_size(request) or 50
        rows = TenantRole.objects.at(self.at).filter(tenant_id=self.kwargs["tenant_id"])
        if cursor := cursor_of(request):
            rows = rows.filter(key__gt=cursor[0])
        page = list(rows.order_by("key")[: limit + 1])
        following = next_page(request, [page[limit - 1].key]) if len(page) > limit else None
        return Response({"items": self.shapes(page[:limit]), "next": following})

    @creates
    @extend_schema(request=RoleIn, responses={201: RoleOut})
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Make a role from permissions that are available here."""
        body = self.read(RoleIn)
        role = tenant_roles.create(definition=self.definition(body["key"], body), **self.acting)
        answer = self.shown(role)
        answer.status_code = 201
        return answer


class OneRole(RoleAPI):
    """One role."""

    permissions = {"GET": "Roles:read", "PUT": "Roles:modify", "DELETE": "Roles:delete"}
    recent = frozenset({"PUT", "DELETE"})

    @extend_schema(responses=RoleOut, operation_id="roles_read")
    def get(self, request: Request, key: str, **kwargs: Any) -> Response:
        """As it is now, with its revision as ``ETag``."""
        return self.shown(self.one(key))

    @extend_schema(parameters=[DRY_RUN], request=RoleBody, responses=ROLE_OR_IMPACT)
    def put(self, request: Request, key: str, **kwargs: Any) -> Response:
        """Make the role exactly this; whoever holds it has the change at once.

        Takes the revision of the role, or that of the impact, in ``If-Match`` when one is sent;
        ``dry_run=true`` answers with the impact, and changes nothing.
        """
        self.takes_impact, dry = True, switch(request, "dry_run")
        act, body = self.act("define", self.one(key)), self.read(RoleBody)
        act, definition = replace(act, asked=[act.asked, body]), self.definition(key, body)

        def define() -> TenantRole:
            return tenant_roles.define(definition=definition, revision=self.revision(), **self.acting)

        return foreseen(act, define) if dry else self.shown(done(self, act, define, required=False))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key: str, **kwargs: Any) -> Response:
        """End it, and withdraw it from all who hold it.

        While somebody holds it, that needs the revision of its impact in ``If-Match`` (428 with the impact
        otherwise).
        """
        act = self.act("delete", self.one(key))
        self.takes_impact = True
        done(self, act, self.deleting(key, self.revision()), required=True, unless_nothing=True)
        return Response(status=204)


class RoleImpact(RoleAPI):
    """Deleting one."""

    permissions = {"GET": "Roles:delete"}

    @extend_schema(
        parameters=[query("action", "The act.", enum=["delete"], required=True)], responses=ImpactOut
    )
    def get(self, request: Request, key: str, **kwargs: Any) -> Response:
        """Who and what loses something. Its revision goes into ``If-Match`` of the act."""
        role = self.one(key)
        if request.query_params.get("action") != "delete":
            raise Invalid("action is delete; for a change, PUT with dry_run=true.")
        return foreseen(self.act("delete", role), self.deleting(key), answers=self.answers)


def _shape(role: TenantRole, held: _Held) -> dict[str, Any]:
    return {
        "key": role.key,
        "name": role.name,
        "description": role.description,
        "urn": tenant_role_urn(str(role.tenant_id), role.key),
        "permissions": [
            {"applicationId": application_id, "resourceType": kind, "resourceId": key, "privileges": together}
            for (application_id, kind), by_privilege in sorted(held.items())
            for key, together in sorted(_by_key(by_privilege).items())
        ],
        "revision": f"r-{role.revision}",
    }


def _by_key(by_privilege: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """A static resource and one of the tenant's own may have the same: here they are one, as in a request."""
    found: dict[str, list[str]] = defaultdict(list)
    for privilege in sorted(by_privilege, key=_ORDER.index):
        for key in {*by_privilege[privilege]}:
            found[key].append(privilege)
    return found
