"""A thousand services of many organizations, each of which calls two applications that are shared with it.

Written in bulk: by the actions it would take minutes. What follows from them (the read model) is computed by
the portal's own statements.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import cycle, islice

from django.db import transaction

from accesscontrol.models import Assignment
from applications import hashers
from applications.actions.availability import moving
from applications.models import Application, ApplicationRole, Availability, Client, ClientSecret
from iam_portal.walls import cross_tenant
from tenants.models import Tenant, since

TARGETS = 2
BY = "bench"
Caller = tuple[str, str, str, list[str]]  # organization, client, secret, the applications that it calls


def made(number: int, *, at: datetime) -> list[Caller]:
    """So many; organization after organization gets one, and then again."""
    with transaction.atomic(), cross_tenant():
        held = _held(at)
        tenants = Tenant.objects.in_bulk(held)
        owners = [tenants[each] for each in islice(cycle(sorted(held)), number)]
        rows = [_application(owner, place, at) for place, owner in enumerate(owners)]
        with moving(applications=[row.id for row in rows], tenants=[*tenants], at=at):
            Application.objects.bulk_create(rows)
            clients = Client.objects.bulk_create(map(_client, rows))
            values = dict(_secrets(clients, at))
            roles = {row.application_id: row for row in ApplicationRole.objects.filter(key="viewer").at(at)}
            Assignment.objects.bulk_create(
                Assignment(
                    tenant=row.owner,
                    application=row,
                    application_role=roles[target],
                    during=since(at),
                    created_at=at,
                    by_name=BY,
                )
                for row in rows
                for target in held[row.owner_id]
            )
    return [(str(row.owner_id), row.id, values[row.id], held[row.owner_id]) for row in rows]


def _held(at: datetime) -> dict[object, list[str]]:
    """What some organizations have by provision: the first two of each."""
    rows = Availability.objects.filter(relation="provision", during__contains=at)
    found: dict[object, list[str]] = {}
    for tenant_id, application_id in rows.order_by("application_id").values_list("tenant", "application"):
        targets = found.setdefault(tenant_id, [])
        if len(targets) < TARGETS and application_id not in targets:
            targets.append(application_id)
    return found


def _application(owner: Tenant, place: int, at: datetime) -> Application:
    name = f"caller-{place}"
    return Application(id=f"{owner.slug}.{name}", owner=owner, name=name, display_name=name, during=since(at))


def _client(row: Application) -> Client:
    return Client(
        application=row,
        client_id=row.id,
        client_type=Client.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS,
        client_secret="",
        hash_client_secret=False,
        name=row.name,
        skip_authorization=True,
    )


def _secrets(clients: list[Client], at: datetime) -> Iterator[tuple[str, str]]:
    rows = []
    for client in clients:
        value, sealed = hashers.make()
        rows.append(
            ClientSecret(
                client=client,
                digest=sealed.digest,
                pepper=sealed.pepper,
                hint=sealed.hint,
                during=since(at),
                created_by=BY,
            )
        )
        yield client.client_id, value
    ClientSecret.objects.bulk_create(rows)
