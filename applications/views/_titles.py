"""What is shared by many contracts and with whom, for lists that tell no more of them. One statement."""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from applications.views._contract import said, worded
from tenants.models import Tenant

# A role that is, or will be, taken away counts only where no other is left. Each contract is asked for its
# names and terms: joined, those of everybody would be read.
_TITLES = """
SELECT c.id, c.provider_id,
    (SELECT name FROM tenants_tenant WHERE id = c.provider_id),
    (SELECT name FROM tenants_tenant WHERE id = c.consumer_id),
    carried.application_id, coalesce(nullif(a.display_name, ''), a.name), carried.stays
FROM applications_contract c
LEFT JOIN LATERAL (
    SELECT r.application_id, bool_or(t.removed_at IS NULL) AS stays
    FROM (SELECT role_id, removed_at FROM applications_contractterm
        WHERE contract_id = ANY(ARRAY[c.id]) OFFSET 0) t
    JOIN applications_applicationrole r ON r.id = t.role_id GROUP BY r.application_id
) AS carried ON TRUE
LEFT JOIN applications_application a ON a.id = carried.application_id
WHERE c.id = ANY(%(ids)s::uuid[])
"""


class Title(NamedTuple):
    """A contract's title, as ``_contract.title`` says it, and who provides."""

    text: str
    provider: str


def titles(ids: Collection[UUID], tenant: Tenant) -> dict[UUID, Title]:
    """By contract, seen from the tenant's side; without those that are gone."""
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_TITLES, {"ids": [str(pk) for pk in ids]})
        rows = cursor.fetchall()
    sides = {pk: (provider_id, provider, consumer) for pk, provider_id, provider, consumer, *_ in rows}
    carried: dict[UUID, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for pk, _provider_id, _provider, _consumer, application_id, name, stays in rows:
        if application_id is not None:
            carried[pk][application_id] = (name, stays)
    found = {}
    for pk, (provider_id, provider, consumer) in sides.items():
        names = {key: name for key, (name, stays) in carried[pk].items() if stays}
        names = names or {key: name for key, (name, _stays) in carried[pk].items()}
        ours = provider_id == tenant.id
        found[pk] = Title(worded(said(names), consumer if ours else provider, provided=ours), provider)
    return found
