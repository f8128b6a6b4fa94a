"""What signing in leaves behind goes in batches; what lives, and what still warns, stays."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from accesscontrol.actions import portal, purge
from accesscontrol.models import Authorization, AuthorizationCode, RefreshToken, RevokedToken, UsedProof
from applications.actions import applications
from applications.actions.applications import Details
from applications.models import Client, UsedAssertion
from iam_portal.walls import cross_tenant, tenant_scope
from tenants.models import (
    IdempotentReply,
    IdentityProvider,
    KeptInput,
    ProofFailure,
    ProviderArrival,
    SignInFailure,
    SignInStep,
    SpentChallenge,
    Tally,
    Tenant,
    User,
    UserSession,
)
from tests.support.factories import SYSTEM, make_tenant, make_user
from tests.support.once import made_once, savepoint

START = datetime.fromisoformat("2027-01-01T00:00:00+00:00")
NOW = START + timedelta(days=400)
DAY = timedelta(days=1)


class Leavings:
    """Two tenants with a person each, and the client they sign in to."""

    def __init__(self) -> None:
        portal.install(at=START)
        self.tenants = [make_tenant(slug, at=START) for slug in ("acme", "beta")]
        self.users = [make_user(tenant, at=START) for tenant in self.tenants]
        made = applications.register(
            owner=self.tenants[0],
            details=Details(name="meter", display_name="Meter"),
            by=SYSTEM,
            at=START,
            application_id="acme.meter",
        )
        self.client = Client.objects.get(client_id=made.id)

    def session(self, user: User, *, ended: datetime | None = None, expires: datetime) -> UserSession:
        return UserSession.objects.create(
            tenant=user.tenant,
            user=user,
            digest=uuid4().hex,
            created_at=START,
            seen_at=START,
            expires_at=expires,
            ended_at=ended,
        )

    def row(self, user: User, *, used: datetime, ended: datetime | None = None, **more: Any) -> Authorization:
        return Authorization(
            tenant=user.tenant,
            user=user,
            client=self.client,
            authenticated_at=START,
            created_at=START,
            used_at=used,
            ended_at=ended,
            ended_because="revoked" if ended else "",
            **more,
        )

    def turn(self, of: Authorization, *, used: datetime | None, made: datetime = START) -> RefreshToken:
        return RefreshToken(
            digest=uuid4().hex, tenant_id=of.tenant_id, authorization=of, created_at=made, used_at=used
        )

    def code(self, user: User, session: UserSession, *, expires: datetime) -> AuthorizationCode:
        return AuthorizationCode(
            digest=uuid4().hex,
            tenant=user.tenant,
            user=user,
            client=self.client,
            session=session,
            redirect_uri="https://meter.example/cb",
            redirect_uri_named=True,
            created_at=expires - DAY,
            expires_at=expires,
        )


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Leavings]:
    with made_once(django_db_blocker):
        yield Leavings()


@pytest.fixture
def left(world: Leavings, django_db_blocker: DjangoDbBlocker) -> Iterator[Leavings]:
    with savepoint(django_db_blocker), cross_tenant():
        yield world


def keep(*rows: Any) -> None:
    for row in rows:
        row.save(force_insert=True)


def failure(tenant: Tenant, *, at: datetime) -> SignInFailure:
    return SignInFailure(tenant=tenant, attempt="a", source_address="192.0.2.1", at=at)


def reply(tenant: Tenant, *, expires: datetime) -> IdempotentReply:
    return IdempotentReply(tenant=tenant, slot=uuid4().hex, asked="a", status=201, expires_at=expires)


def typed(user: User, *, expires: datetime) -> KeptInput:
    return KeptInput(tenant=user.tenant, user=user, digest=uuid4().hex, sealed="", expires_at=expires)


def step(user: User, *, expires: datetime) -> SignInStep:
    moments = {"created_at": NOW, "expires_at": expires}
    return SignInStep(tenant=user.tenant, user=user, digest=uuid4().hex, **moments)


def arrival(user: User, *, expires: datetime) -> ProviderArrival:
    about = {"key": uuid4().hex, "name": "x", "issuer": "https://x.example", "client_id": "c"}
    provider = IdentityProvider.objects.create(tenant=user.tenant, secret_sealed="s", created_at=NOW, **about)
    moments = {"created_at": NOW, "expires_at": expires}
    return ProviderArrival(tenant=user.tenant, provider=provider, digest=uuid4().hex, sealed="s", **moments)


def spent(user: User, *, expires: datetime) -> SpentChallenge:
    return SpentChallenge(tenant=user.tenant, digest=uuid4().hex, expires_at=expires)


def five_minutes_over(left: Leavings, user: User) -> list[Any]:
    return [
        lambda at: RevokedToken(tenant=user.tenant, jti=uuid4().hex, expires_at=at),
        lambda at: UsedAssertion(client=left.client, digest=uuid4().hex, expires_at=at),
        lambda at: UsedProof(digest=uuid4().hex, expires_at=at),
        lambda at: reply(user.tenant, expires=at),
        lambda at: typed(user, expires=at),
        lambda at: step(user, expires=at),
        lambda at: arrival(user, expires=at),
        lambda at: spent(user, expires=at),
    ]


def test_by_how_long_they_are_over(left: Leavings) -> None:
    """Each pair is a row just past what it is kept for, and one just before that."""
    second, user = timedelta(seconds=1), left.users[1]
    living = left.session(user, expires=NOW + DAY)
    gone, kept = [], []

    def pair(make: Any, moment: datetime) -> None:
        for rows, shift in ((gone, -second), (kept, second)):
            found = make(moment + shift)
            if found._state.adding:
                keep(found)
            rows.append(found)

    past, used = NOW - purge.ENDED_KEPT, NOW - purge.ENDED_KEPT - timedelta(hours=1)
    pair(lambda at: left.code(user, living, expires=at), NOW - purge.CODES_KEPT)
    pair(lambda at: left.row(user, used=used, ended=at), past)
    pair(lambda at: left.row(user, used=used, session=left.session(user, expires=at)), past)
    pair(lambda at: left.row(user, used=used, session=left.session(user, ended=at, expires=NOW)), past)
    pair(lambda at: left.row(user, used=at), past - 90 * DAY)
    pair(lambda at: left.row(user, used=at, session=living), past - DAY / 2)
    family = left.row(user, used=NOW, session=living)
    keep(family)
    pair(lambda at: left.turn(family, used=at), NOW - purge.EXCHANGED_KEPT)
    keep(old := left.turn(family, used=None))  # the last one, as old as it may be
    for made in five_minutes_over(left, user):
        pair(made, NOW - 5 * DAY / 1440)
    pair(lambda at: left.session(user, expires=at), NOW - 90 * DAY)
    pair(lambda at: failure(user.tenant, at=at), NOW - 65 * DAY / 1440)
    pair(lambda at: ProofFailure(tenant=user.tenant, user=user, at=at), NOW - 1445 * DAY / 1440)
    goes(gone, (*kept, family, old))


def goes(gone: Sequence[Any], kept: Sequence[Any]) -> None:
    assert purge.run(at=NOW) == len(gone)
    for row in kept:
        row.refresh_from_db()
    for row in gone:
        with pytest.raises(type(row).DoesNotExist):
            row.refresh_from_db()
    assert purge.run(at=NOW) == 0


def test_a_session_stays_as_long_as_what_hangs_on_it(left: Leavings) -> None:
    """Or the last use of an application would be forgotten with it."""
    user = left.users[0]
    session = left.session(user, expires=NOW - 95 * DAY)
    keep(row := left.row(user, used=NOW, session=session))
    keep(code := left.code(user, left.session(user, expires=NOW - 95 * DAY), expires=NOW))
    assert purge.run(at=NOW) == 0
    row.delete()
    code.delete()
    assert purge.run(at=NOW) == 2


def test_a_family_goes_with_its_codes_and_tokens(left: Leavings) -> None:
    user = left.users[0]
    family = left.row(user, used=START, ended=START)
    keep(family, left.turn(family, used=None, made=NOW))
    code = left.code(user, left.session(user, expires=NOW), expires=NOW)
    code.authorization = family
    keep(code)
    assert purge.run(at=NOW) == 1
    assert not RefreshToken.objects.exists()
    assert not AuthorizationCode.objects.exists()


def test_what_counts_no_more_goes_from_the_tallies(left: Leavings) -> None:
    Tally.objects.create(slot=1, began_at=NOW - timedelta(hours=2), number=7)
    living = Tally.objects.create(slot=2, began_at=NOW - timedelta(minutes=30), number=1)
    assert purge.run(at=NOW) == 1
    assert list(Tally.objects.all()) == [living]


def test_thousands_go_in_batches_and_a_living_one_stays(left: Leavings) -> None:
    """In every tenant; no transaction holds more than a thousand."""
    ended = [left.row(user, used=START, ended=START) for user in left.users for _ in range(1_300)]
    living = left.row(left.users[0], used=NOW)
    Authorization.objects.bulk_create([*ended, living])
    RefreshToken.objects.bulk_create(left.turn(living, used=START) for _ in range(2_500))
    keep(left.turn(living, used=None, made=NOW))
    with CaptureQueriesContext(connection) as asked:
        assert purge.run(at=NOW) == 5_100
    batches = [query["sql"] for query in asked if "SKIP LOCKED" in query["sql"]]
    assert all("LIMIT 1000" in batch for batch in batches)
    # The two of these kinds that were not full are the last; twelve other kinds were looked at once.
    assert len(batches) == 3 + 3 + 12
    assert list(Authorization.objects.all()) == [living]
    assert RefreshToken.objects.count() == 1
    with tenant_scope(living.tenant_id):
        assert Authorization.objects.living(tenant=left.tenants[0], at=NOW).get() == living
