"""What a page's assignments name: people, groups, services, roles and contracts, by one statement.

Each kind is found by its ids; of what belongs to the tenant, one by one: by a list of them, the planner reads
all of it. Joined to the assignments, ten tables took longer to plan than to read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from accesscontrol.models import Assignment, TenantRole
from applications.models import Application, ApplicationRole, Contract
from tenants.models import Group, Tenant, User

# Seven columns each, of text: the kind, the id, and what is told of it.
_ROWS = {
    "user": """SELECT 'user', u.id::text, u.display_name, u.username, NULL, NULL, NULL
        FROM unnest(%(user)s::uuid[]) AS one(id) CROSS JOIN LATERAL (
            SELECT id, display_name, username FROM tenants_user WHERE id = one.id OFFSET 0
        ) u""",
    "group": """SELECT 'group', g.id::text, g.name, NULL, NULL, NULL, NULL
        FROM unnest(%(group)s::uuid[]) AS one(id) CROSS JOIN LATERAL (
            SELECT id, name FROM tenants_group WHERE id = one.id OFFSET 0
        ) g""",
    "application": """SELECT 'application', id, display_name, name, NULL, NULL, NULL
        FROM applications_application WHERE id = ANY(%(application)s::text[])""",
    "application_role": """SELECT 'application_role', r.id::text, r.key, r.name, a.id, a.display_name, a.name
        FROM applications_applicationrole r CROSS JOIN LATERAL (
            SELECT id, display_name, name FROM applications_application WHERE id = r.application_id OFFSET 0
        ) a WHERE r.id = ANY(%(application_role)s::uuid[])""",
    "tenant_role": """SELECT 'tenant_role', id::text, key, name, NULL, NULL, NULL
        FROM accesscontrol_tenantrole WHERE id = ANY(%(tenant_role)s::uuid[])""",
    "contract": """SELECT 'contract', c.id::text, t.id::text, t.name, NULL, NULL, NULL
        FROM applications_contract c JOIN tenants_tenant t ON t.id = c.provider_id
        WHERE c.id = ANY(%(contract)s::uuid[])""",
}


def read(rows: Sequence[Assignment], related: Iterable[str]) -> list[Assignment]:
    """The rows, with these of what they name. Of each no more is read than pages tell; the rest is asked for
    when it is looked at.
    """
    names = tuple(related)
    asked = {
        name: {str(pk) for row in rows if (pk := getattr(row, f"{name}_id")) is not None} for name in names
    }
    given = {name: list(ids) for name, ids in asked.items() if ids}
    found: dict[tuple[str, str], Any] = {}
    if given:
        with connection.cursor() as cursor:
            cursor.execute(_statement(tuple(given)), given)
            found = {(kind, pk): _MADE[kind](pk, *told) for kind, pk, *told in cursor.fetchall()}
    for row in rows:
        for name in names:
            row._state.fields_cache[name] = found.get((name, str(getattr(row, f"{name}_id"))))
    return list(rows)


@cache
def _statement(names: Sequence[str]) -> str:
    return " UNION ALL ".join(_ROWS[name] for name in names)


def _partly(model: type[models.Model], **values: Any) -> Any:
    """An instance of which these columns were read."""
    names = [field.attname for field in model._meta.concrete_fields if field.attname in values]
    return model.from_db(None, names, [values[name] for name in names])


def _user(pk: str, display_name: str, username: str, *_nothing: None) -> Any:
    return _partly(User, id=UUID(pk), display_name=display_name, username=username)


def _group(pk: str, name: str, *_nothing: None) -> Any:
    return _partly(Group, id=UUID(pk), name=name)


def _application(pk: str, display_name: str, name: str, *_nothing: None) -> Any:
    return _partly(Application, id=pk, display_name=display_name, name=name)


def _application_role(pk: str, key: str, name: str, *application: str) -> Any:
    role = _partly(ApplicationRole, id=UUID(pk), key=key, name=name, application_id=application[0])
    role.application = _application(application[0], application[1], application[2])
    return role


def _tenant_role(pk: str, key: str, name: str, *_nothing: None) -> Any:
    return _partly(TenantRole, id=UUID(pk), key=key, name=name)


def _contract(pk: str, provider_id: str, provider: str, *_nothing: None) -> Any:
    contract = _partly(Contract, id=UUID(pk), provider_id=UUID(provider_id))
    contract.provider = _partly(Tenant, id=UUID(provider_id), name=provider)
    return contract


_MADE: Mapping[str, Callable[..., Any]] = {
    "user": _user,
    "group": _group,
    "application": _application,
    "application_role": _application_role,
    "tenant_role": _tenant_role,
    "contract": _contract,
}
