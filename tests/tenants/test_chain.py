"""The hash chain: whoever rewrites history, with whatever power, is found."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections, transaction

from iam_portal.walls import tenant_scope
from tenants import history
from tenants.actions import chain, tenants, verification
from tenants.models import HistoryEvent, HistoryLink
from tests.support.factories import NOW, SYSTEM, make_partners, make_tenant, make_user
from tests.tenants.conftest import at_once


def rename(tenant, name):
    with tenant_scope(tenant.id):
        return tenants.rename(tenant=tenant, name=name, by=SYSTEM, at=NOW)


def as_owner(statement, *values):
    """What only somebody with the owner's password could do, past every trigger."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET session_replication_role = origin")


def test_the_chain_links_each_row_once_without_gaps(acme, neighbour):
    make_partners(acme, neighbour)
    total = chain.lay_all()
    assert total >= 6
    assert chain.lay_all() == 0
    for tenant in (acme, neighbour):
        with tenant_scope(tenant.id):
            positions = list(HistoryLink.objects.order_by("position").values_list("position", flat=True))
            assert positions == list(range(1, HistoryEvent.objects.count() + 1))
        assert verification.verify(tenant_id=tenant.id) is None


def test_long_histories_are_linked_in_batches(acme, monkeypatch):
    monkeypatch.setattr(chain, "BATCH", 2)
    for number in range(4):
        rename(acme, f"Name {number}")
    chain.lay_all()
    with tenant_scope(acme.id):
        assert HistoryLink.objects.count() == 5
    assert verification.verify(tenant_id=acme.id) is None


def test_rows_that_wait_for_their_link_are_no_break(acme):
    assert verification.verify(tenant_id=acme.id) is None


def test_a_row_that_appears_late_with_a_lower_id_is_linked_then(committed_db):
    acme = make_tenant("acme")
    chain.lay_all()
    with transaction.atomic():
        history_row(acme, "slow.done")  # its id is taken, its transaction still open
        at_once(lambda: history_row(acme), chain.lay_all)
        at_once(chain.lay_all)
    with tenant_scope(acme.id):
        slow = HistoryEvent.objects.get(action="slow.done")
        assert HistoryLink.objects.filter(event_id__gt=slow.id).exists()
        assert not HistoryLink.objects.filter(event_id=slow.id).exists()
    assert chain.lay_all() == 1
    assert verification.verify(tenant_id=acme.id) is None


def history_row(tenant, action="x.done"):
    with transaction.atomic():
        subject = ("tenant", tenant.id, "Acme")
        history.record(action=action, tenants=[tenant], by=SYSTEM, at=NOW, subject=subject)


def test_two_who_lay_the_chain_at_once_lay_it_once(committed_db):
    acme = make_tenant("acme")
    for _ in range(5):
        history_row(acme)
    results = at_once(*(lambda: chain.lay(tenant_id=acme.id) for _ in range(3)))
    assert sorted(results) == [0, 0, 6]
    assert verification.verify(tenant_id=acme.id) is None


def test_a_run_that_is_killed_leaves_nothing_half_done(committed_db, monkeypatch):
    acme = make_tenant("acme")
    monkeypatch.setattr(chain, "HistoryPerson", None)  # dies after reading or before its mark
    with pytest.raises(AttributeError):
        chain.lay(tenant_id=acme.id)
    monkeypatch.undo()
    assert chain.lay(tenant_id=acme.id) == 1
    assert verification.verify(tenant_id=acme.id) is None


@pytest.mark.parametrize(
    ("tamper", "why"),
    [
        ("UPDATE tenants_historyevent SET action = 'x' WHERE id = %s", "the row was altered"),
        ("UPDATE tenants_historyevent SET after = '{}' WHERE id = %s", "the row was altered"),
        ("DELETE FROM tenants_historyevent WHERE id = %s", "the row is missing"),
        ("DELETE FROM tenants_historylink WHERE event_id = %s", "a link is missing before this one"),
        (
            "UPDATE tenants_historyperson SET actor_name = 'Eve' WHERE event_id = %s",
            "the personal fields were altered",
        ),
    ],
)
def test_who_rewrites_history_is_found(committed_db, tamper, why):
    acme, neighbour = make_tenant("acme"), make_tenant("neighbour")
    for number in range(3):
        rename(acme, f"Name {number}")
    chain.lay_all()
    with tenant_scope(acme.id):
        target = HistoryLink.objects.get(position=2).event_id
    as_owner(tamper, target)
    assert verification.verify(tenant_id=acme.id).why == why
    assert verification.verify(tenant_id=neighbour.id) is None
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_history", stdout=out)
    assert left.value.code == 1
    assert "acme: broken at row" in out.getvalue()
    assert "neighbour: whole" in out.getvalue()


def test_a_row_slipped_in_past_the_record_is_found(in_acme):
    chain.lay_all()
    HistoryEvent.objects.create(
        tenant=in_acme,
        at=NOW,
        action="user.created",
        actor_kind="user",
        actor_id="x",
        subject_kind="user",
        subject_id="x",
        request_id="",
        person_digest="",
    )
    assert verification.verify(tenant_id=in_acme.id).why == "the row stands outside the chain"


def test_a_person_can_be_erased_without_breaking_the_chain(committed_db):
    acme = make_tenant("acme")
    make_user(acme)
    chain.lay_all()
    as_owner(
        "UPDATE tenants_historyperson SET salt = '', actor_name = '', subject_name = '', source_address = ''"
    )
    assert verification.verify(tenant_id=acme.id) is None


def test_a_beginning_that_was_taken_away_is_found(committed_db):
    """Only an anchor says that rows were let go."""
    acme = make_tenant("acme")
    for number in range(3):
        rename(acme, f"Name {number}")
    chain.lay_all()
    with tenant_scope(acme.id):
        first = HistoryLink.objects.get(position=1).event_id
    as_owner("DELETE FROM tenants_historyevent WHERE id = %s", first)
    assert verification.verify(tenant_id=acme.id).why == "the row is missing"


def test_the_command_is_quiet_about_whole_chains(acme):
    out = StringIO()
    call_command("verify_history", "acme", stdout=out)
    assert out.getvalue() == "acme: whole\n"
