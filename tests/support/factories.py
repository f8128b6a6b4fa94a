"""Thin makers of rows: each calls the real action. ``NOW`` is the tests' usual moment."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.dispatch import Signal

from applications.models import Resource, ResourcePlace
from iam_portal.gate import Actor
from iam_portal.walls import tenant_scope
from tenants.actions import groups, memberships, partnerships, sessions, tenants, users
from tenants.actions.entering import Halfway, Origin, enter
from tenants.models import Group, Partnership, Tenant, User

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
SYSTEM = Actor.system("tests")


def make_tenant(slug: str = "acme", *, at: datetime = NOW) -> Tenant:
    return tenants.create(name=slug.capitalize(), slug=slug, by=SYSTEM, at=at)


def make_user(
    tenant: Tenant, username: str = "jane", *, password: str = PASSWORD, at: datetime = NOW
) -> User:
    """Active, with a password. Names repeat in every tenant, on purpose."""
    with tenant_scope(tenant.id):
        return users.create_with_password(
            tenant=tenant,
            username=username,
            email=f"{username}@example.org",
            display_name=username.capitalize(),
            password=password,
            by=SYSTEM,
            at=at,
        )


def make_group(
    tenant: Tenant,
    name: str = "Dispatch",
    *,
    parent: Group | None = None,
    members: tuple[User, ...] = (),
    at: datetime = NOW,
) -> Group:
    with tenant_scope(tenant.id):
        parent_id = parent.id if parent else None
        group = groups.create(tenant=tenant, name=name, parent_id=parent_id, by=SYSTEM, at=at)
        for user in members:
            memberships.add(tenant=tenant, group_id=group.id, user_id=user.id, by=SYSTEM, at=at)
    return group


def make_resource(
    application_id: str,
    key: str,
    *,
    during: DateTimeTZRange,
    name: str = "",
    kind: str = "urn:test",
    privileges: tuple[str, ...] = ("read",),
    owner: Tenant | None = None,
    parent: Resource | None = None,
) -> Resource:
    """With its place, past every action; in its owner's scope, or across tenants."""
    row = Resource.objects.create(
        application_id=application_id,
        type=kind,
        key=key,
        name=name or key,
        owner_tenant=owner,
        during=during,
    )
    ResourcePlace.objects.create(
        resource=row, owner_tenant=owner, parent=parent, privileges=list(privileges), during=during
    )
    return row


def make_partners(a: Tenant, b: Tenant, *, at: datetime = NOW) -> Partnership:
    """A confirmed partnership, invited by ``a``."""
    _, token = partnerships.invite(inviter=a, expected=b, by=SYSTEM, at=at)
    return partnerships.redeem(token=token, tenant=b, by=SYSTEM, at=at)


def sign_in(user: User, *, password: str = PASSWORD, at: datetime = NOW, address: str = "192.0.2.1") -> str:
    """The value of a session cookie; of who has a second factor, as if he had proved it."""
    entered = sessions.sign_in(
        tenant=user.tenant, username=user.username, password=password, at=at, source_address=address
    )
    if isinstance(entered, Halfway):
        with tenant_scope(user.tenant_id):
            origin = Origin(source_address=address)
            entered = enter(user=user, former=None, methods=["pwd", "mfa"], origin=origin, at=at)
    return entered.token


def acting(user: User) -> Actor:
    """The user as an actor in his own tenant."""
    return Actor("user", str(user.id), str(user), user.tenant_id, "request-1", "192.0.2.1")


@contextmanager
def listening(signal: Signal, answer: Callable[..., Any] | None = None) -> Iterator[list[dict[str, Any]]]:
    """Collects what a signal carries; ``answer`` may raise, as a receiver of an upper app would."""
    heard: list[dict[str, Any]] = []

    def receive(sender: Any, **carried: Any) -> None:
        heard.append({name: value for name, value in carried.items() if name != "signal"})
        if answer is not None:
            answer(**carried)

    signal.connect(receive)
    try:
        yield heard
    finally:
        signal.disconnect(receive)
