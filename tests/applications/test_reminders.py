"""Mail before a contract ends: to the managers of both sides, each once; nothing of the other's people."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from pytest_django import DjangoDbBlocker

from accesscontrol import holders
from accesscontrol.actions import assignments, portal, tenant_roles
from accesscontrol.actions.assignments import Wanted
from accesscontrol.actions.tenant_roles import Definition
from accesscontrol.gate import PortalGate
from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import contracts, pauses, reminders
from applications.models import Contract, ContractReminder
from applications.models.applications import PORTAL_ID
from iam_portal.gate import Permission, Privilege
from iam_portal.walls import tenant_scope
from tenants.actions import groups, tenants, users
from tenants.models import Tenant, User
from tests.applications.sharing import T0, accepted, make_pair
from tests.support.factories import SYSTEM, acting, make_group, make_tenant, make_user
from tests.support.once import made_once, savepoint

DAY = timedelta(days=1)
PROVISION, ACCESS = "provision-contract-manager", "access-contract-manager"


def give(tenant: Tenant, role: str, at: datetime = T0, **principal: object) -> None:
    application = None if role not in ROLE_KEYS else PORTAL_ID
    wanted = Wanted(role=role, application_id=application, **principal)  # type: ignore[arg-type]
    assignments.assign(tenant=tenant, wanted=wanted, by=SYSTEM, at=at)


def manager(tenant: Tenant, name: str, *roles: str) -> User:
    user = make_user(tenant, f"{tenant.slug}-{name}", at=T0)
    for role in roles:
        give(tenant, role, user_id=user.id)
    return user


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Tenant, Tenant]]:
    """Each side has a manager of provision contracts, one of access contracts, and somebody else."""
    with made_once(django_db_blocker):
        sides = make_pair()
        for tenant in sides:
            manager(tenant, "jane", PROVISION)
            manager(tenant, "john", ACCESS)
            manager(tenant, "zoe", "user-reader")
        yield sides


@pytest.fixture
def pair(made: tuple[Tenant, Tenant], django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Tenant, Tenant]]:
    with savepoint(django_db_blocker):
        mail.outbox.clear()
        yield made
        mail.outbox.clear()


def letters() -> list[str]:
    """Whom the mails went to; each to one person."""
    assert all(len(letter.recipients()) == 1 for letter in mail.outbox)
    found = sorted(letter.to[0].removesuffix("@example.org") for letter in mail.outbox)
    mail.outbox.clear()
    return found


def end(row: Contract, *, at: datetime, when: datetime) -> None:
    contracts.end(tenant=row.provider, contract_id=row.id, by=SYSTEM, at=at, when=when)


BOTH = ["acme-jane", "beta-jane"]


def test_each_side_is_reminded_three_times_and_once_each(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 100 * DAY)
    got = {}
    for day in (69, 70, 71, 92, 93, 94, 98, 99, 99.5, 100, 101):
        reminders.remind(at=T0 + day * DAY)
        reminders.remind(at=T0 + day * DAY + timedelta(hours=1))
        got[day] = letters()
    assert {day: to for day, to in got.items() if to} == {70: BOTH, 93: BOTH, 99: BOTH}


def test_a_letter_names_the_other_organization_and_none_of_its_people(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 40 * DAY)
    reminders.remind(at=T0 + 11 * DAY)
    [letter] = [letter for letter in mail.outbox if letter.to == ["beta-jane@example.org"]]
    text = f"{letter.subject}\n{letter.body}"
    assert "The contract with Acme about Meter ends on" in letter.subject
    assert f"/t/beta/contracts/{row.id}" in letter.body
    assert "acme-" not in text
    assert "beta-john" not in text
    assert "/t/acme/" not in text


def test_after_days_without_the_job_only_the_nearest_is_sent(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 100 * DAY)
    reminders.remind(at=T0 + 99.5 * DAY)
    assert letters() == BOTH
    assert list(ContractReminder.objects.values_list("days", flat=True)) == [1]


def test_a_moved_end_is_another_end(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 100 * DAY)
    reminders.remind(at=T0 + 93 * DAY)
    assert letters() == BOTH
    end(row, at=T0 + 94 * DAY, when=T0 + 98 * DAY)
    reminders.remind(at=T0 + 94 * DAY)
    reminders.remind(at=T0 + 95 * DAY)
    assert letters() == BOTH


def test_nobody_is_told_of_what_is_over_or_was_just_agreed(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 20 * DAY)  # both know: within 30 days
    reminders.remind(at=T0 + DAY)
    end(row, at=T0 + 2 * DAY, when=T0 + 2 * DAY)
    planned = accepted(acme, beta, "acme.meter", at=T0 + 3 * DAY, starts_at=T0 + 80 * DAY)
    end(planned, at=T0 + 4 * DAY, when=T0 + 6 * DAY)  # before it began
    reminders.remind(at=T0 + 5 * DAY)
    assert letters() == []


def test_the_type_of_contract_chooses_its_managers(pair: tuple[Tenant, Tenant]) -> None:
    acme, beta = pair
    row = accepted(acme, beta, "acme.meter", at=T0, type="access", ends_at=T0 + 60 * DAY)
    pauses.pause(tenant=acme, contract_id=row.id, by=SYSTEM, at=T0 + DAY)  # it ends all the same
    reminders.remind(at=T0 + 30 * DAY)
    assert letters() == ["acme-john", "beta-john"]


def test_a_mail_server_that_is_away_costs_nothing_and_is_asked_again(
    pair: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    acme, beta = pair
    accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 60 * DAY)

    def refuse(self: object) -> None:
        raise ConnectionRefusedError("jane@example.org")

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "open", refuse, raising=False)
        assert reminders.remind(at=T0 + 30 * DAY) == 0
    assert not ContractReminder.objects.exists()
    assert reminders.remind(at=T0 + 30 * DAY + timedelta(hours=1)) == 1
    assert letters() == BOTH


def test_a_letter_that_fails_keeps_no_other_and_is_not_sent_twice(
    pair: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    acme, beta = pair
    accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 60 * DAY)
    send = EmailBackend.send_messages

    def some(self: EmailBackend, messages: list[mail.EmailMessage]) -> int:
        if messages[0].to == ["acme-jane@example.org"]:
            raise ConnectionResetError("acme-jane@example.org")
        return int(send(self, messages))

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", some)
        assert reminders.remind(at=T0 + 30 * DAY) == 1
    reminders.remind(at=T0 + 31 * DAY)
    assert letters() == ["beta-jane"]
    assert "mail_failed" in caplog.text
    assert "acme-jane" not in caplog.text


def test_many_contracts_take_as_many_questions_as_one(
    pair: tuple[Tenant, Tenant], django_assert_num_queries: object
) -> None:
    """Who is a manager is asked once; each reminder is noted for itself."""
    acme, beta = pair
    for _ in range(3):
        accepted(acme, beta, "acme.meter", at=T0, ends_at=T0 + 60 * DAY)
    with django_assert_num_queries(2 + 4 + 3 + 3 * 4):  # type: ignore[operator]
        assert reminders.remind(at=T0 + 30 * DAY) == 3


# --- who is a manager ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("pair")
def test_holders_are_whom_the_gate_lets_through() -> None:
    """By a role, by one of the tenant's making, by groups above; not the deactivated, not the suspended."""
    ours, other = make_tenant("ours", at=T0), make_tenant("other", at=T0)
    found = {}
    for tenant in (ours, other):
        found[tenant.id] = _people(tenant)
    tenants.suspend(tenant=other, reason="", by=SYSTEM, at=T0 + DAY)
    resources = ["ProvisionContracts", "AccessContracts"]
    for at in (T0 + DAY / 2, T0 + 2 * DAY, T0 + 6 * DAY):
        asked = holders.people(
            tenant_ids=[ours.id, other.id], resources=resources, privilege=Privilege.EXECUTE, at=at
        )
        told = {(tenant_id, resource, address) for tenant_id, resource, _, address, _ in asked}
        expected = {
            (tenant.id, resource, user.email)
            for tenant in (ours, other)
            for user in found[tenant.id]
            for resource in resources
            if PortalGate().decide(
                actor=acting(user),
                tenant_id=tenant.id,
                permission=Permission(resource, Privilege.EXECUTE),
                at=at,
            )
        }
        assert told == expected
        assert len([row for row in told if row[0] == ours.id]) > 4


def _people(tenant: Tenant) -> list[User]:
    administrator = manager(tenant, "boss")
    portal.make_first_administrator(tenant=tenant, user=administrator, at=T0)
    made = [manager(tenant, "direct", PROVISION, ACCESS), manager(tenant, "reader", "user-reader")]
    in_group, below, gone, later, custom = (
        manager(tenant, name) for name in ("group", "below", "gone", "later", "custom")
    )
    group = make_group(tenant, "Sales", members=(in_group, gone), at=T0)
    make_group(tenant, "Inner", parent=group, members=(below,), at=T0)
    empty = make_group(tenant, "Closed", members=(later,), at=T0)
    give(tenant, ACCESS, group_id=group.id)
    give(tenant, PROVISION, group_id=empty.id)
    give(tenant, PROVISION, user_id=later.id, starts_at=T0 + DAY, ends_at=T0 + 5 * DAY)
    role = Definition(
        key="broker",
        name="Broker",
        description="",
        permissions=[(PORTAL_ID, "urn:iam:portal", "ProvisionContracts", "execute")],
    )
    tenant_roles.define(tenant=tenant, definition=role, by=SYSTEM, at=T0)
    give(tenant, "broker", user_id=custom.id)
    with tenant_scope(tenant.id):
        users.deactivate(tenant=tenant, user_id=gone.id, by=SYSTEM, at=T0 + DAY)
        groups.delete(tenant=tenant, group_id=empty.id, by=SYSTEM, at=T0 + DAY)
    return [*made, in_group, below, gone, later, custom, administrator]
