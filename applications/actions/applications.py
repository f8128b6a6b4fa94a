"""Registering, changing, suspending and retiring applications."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from applications.actions import places
from applications.actions.availability import moving
from applications.actions.roles import retire_roles
from applications.events import emit
from applications.models import (
    Application,
    ApplicationSuspension,
    Client,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    Contract,
    Resource,
    TrustedIssuer,
)
from applications.models.clients import FRONTEND
from applications.policies import Stale, own_application
from applications.signals import resources_ended
from iam_portal.errors import DomainError, Invalid
from iam_portal.gate import Actor
from iam_portal.sentences import said
from iam_portal.walls import cross_tenant
from tenants import history
from tenants.models import Tenant, since
from tenants.models.spanned import clipped
from tenants.policies import hold

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class IdTaken(DomainError):
    """Application ids are unique in the installation and never freed."""

    code = "application_id_taken"


class SuspensionState(DomainError):
    """It is suspended already, or not suspended."""

    code = "application_suspension_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What people read of an application."""

    name: str
    display_name: str
    description: str = ""
    home_url: str = ""


def register(
    *, owner: Tenant, details: Details, by: Actor, at: datetime, application_id: str | None = None
) -> Application:
    """Make an application with its confidential client. An id is made when none is chosen."""
    chosen = application_id if application_id is not None else generate_id()
    if application_id is not None:
        _check_id(owner, chosen)
    with transaction.atomic():
        hold(owner)  # two at once with the same id or name take turns
        if Application.objects.filter(id=chosen).exists():
            raise IdTaken("This id is taken. Ids are never freed.")
        application = Application(id=chosen, owner=owner, during=since(at), **_columns(details))
        application.full_clean()
        application.save(force_insert=True)
        _make_client(application)
        with moving(applications=[application.id], tenants=[owner.id], at=at):
            pass
        _record(application, "application.registered", by=by, at=at, before=None)
    return application


def change(
    *,
    tenant: Tenant,
    application_id: str,
    details: Details,
    by: Actor,
    at: datetime,
    revision: int | None = None,
) -> Application:
    """Change what people read of it."""
    with transaction.atomic():
        application = own_application(tenant=tenant, application_id=application_id, lock=True)
        if revision is not None and revision != application.revision:
            raise Stale("It was changed meanwhile.", data={"revision": f"r-{application.revision}"})
        before = snapshot(application)
        for name, value in _columns(details).items():
            setattr(application, name, value)
        application.revision += 1
        application.full_clean()
        application.save()
        _record(application, "application.changed", by=by, at=at, before=before)
    return application


def suspend(*, tenant: Tenant, application_id: str, reason: str, by: Actor, at: datetime) -> Application:
    """From now on it is available nowhere, until resumed."""
    with transaction.atomic():
        application = own_application(tenant=tenant, application_id=application_id, lock=True)
        if application.suspensions.filter(during__contains=at).exists():
            raise SuspensionState("This application is suspended already.")
        with moving(applications=[application.id], tenants=None, at=at):
            row = ApplicationSuspension(
                application=application, during=since(at), reason=reason, by_name=by.name[:200]
            )
            row.full_clean()
            row.save()
        before, after = {"suspended": False}, {"suspended": True, "reason": reason}
        _record(application, "application.suspended", by=by, at=at, before=before, after=after)
    return application


def resume(*, tenant: Tenant, application_id: str, by: Actor, at: datetime) -> Application:
    """End its suspension now."""
    with transaction.atomic():
        application = own_application(tenant=tenant, application_id=application_id, lock=True)
        running = application.suspensions.filter(during__contains=at)
        if not running.exists():
            raise SuspensionState("This application is not suspended.")
        with moving(applications=[application.id], tenants=None, at=at):
            running.update(during=clipped(at))
        before, after = {"suspended": True}, {"suspended": False}
        _record(application, "application.resumed", by=by, at=at, before=before, after=after)
    return application


def retire(*, tenant: Tenant, application_id: str, by: Actor, at: datetime) -> Application:
    """Take it out of operation for good: its roles, secrets and shares end. The id stays taken."""
    with transaction.atomic():
        application = own_application(tenant=tenant, application_id=application_id, lock=True)
        before = snapshot(application)
        contracts = set(
            Contract.objects.filter(terms__role__application=application).values_list("id", flat=True)
        )
        with moving(applications=[application.id], tenants=None, contracts=contracts, at=at):
            application.suspensions.not_over(at).update(during=clipped(at))
            retire_roles(list(application.roles.not_over(at)), at=at)
            _end_resources(application, at)
            _end_credentials(application, at)
            Application.objects.filter(id=application.id).update(
                during=clipped(at), revision=application.revision + 1
            )
        application.refresh_from_db()
        after = {**snapshot(application), "retired": True}
        _record(application, "application.retired", by=by, at=at, before=before, after=after)
    return application


def generate_id() -> str:
    """25 characters of base 36 over 128 random bits."""
    number = secrets.randbits(128)
    digits = []
    for _ in range(25):
        number, digit = divmod(number, 36)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def snapshot(application: Application) -> dict[str, str]:
    """An application as history shows it."""
    return {
        "name": application.name,
        "displayName": application.display_name,
        "description": application.description,
        "homeUrl": application.home_url,
    }


def _check_id(owner: Tenant, application_id: str) -> None:
    if application_id.startswith("iam-"):
        raise Invalid("Ids that begin with iam- are reserved.")
    if not owner.is_platform and not application_id.startswith(f"{owner.slug}."):
        raise Invalid(
            said("A chosen id begins with %(slug)s. (or leave it out: one is made).", {"slug": owner.slug})
        )
    if application_id.endswith(FRONTEND):
        raise Invalid("An id cannot end in -frontend.")


def _end_credentials(application: Application, at: datetime) -> None:
    for kind in (ClientSecret, ClientKey, ClientCertificate, TrustedIssuer):
        kind.objects.filter(client__application=application).close(at)


def _end_resources(application: Application, at: datetime) -> None:
    with cross_tenant():  # static resources belong to no tenant, dynamic ones to those that it served
        living = application.resources.not_over(at)
        ended = list(living.values_list("id", flat=True))
        living.update(during=clipped(at))
        places.end(ended, at=at)
    resources_ended.send(sender=Resource, resource_ids=ended, at=at)


def _columns(details: Details) -> dict[str, str]:
    return {
        "name": details.name,
        "display_name": details.display_name,
        "description": details.description,
        "home_url": details.home_url,
    }


def _make_client(application: Application) -> None:
    client = Client(
        application=application,
        client_id=application.id,
        client_type=Client.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS,
        client_secret="",
        hash_client_secret=False,
        name=application.name,
        skip_authorization=True,
    )
    client.save()


def _record(
    application: Application,
    action: str,
    *,
    by: Actor,
    at: datetime,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None = None,
) -> None:
    history.record(
        action=action,
        tenants=[application.owner_id],
        by=by,
        at=at,
        subject=("application", application.id, application.display_name),
        before=before,
        after=snapshot(application) if after is None else after,
    )
    emit(
        type=action,
        tenant_id=application.owner_id,
        application_id=application.id,
        subject=application.id,
        at=at,
        data={"applicationId": application.id},
    )
