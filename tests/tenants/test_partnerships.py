"""Partnerships: a single-use link, two sides, and nothing in between that one side did not want."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from iam_portal.errors import Forbidden, NotFound
from iam_portal.walls import tenant_scope
from tenants import signals
from tenants.actions import partners, partnerships
from tenants.models import HistoryEvent, Partnership
from tenants.policies import Stale
from tests.support.factories import NOW, SYSTEM, listening, make_partners, make_tenant
from tests.tenants.conftest import at_once, history_of

ACT = {"by": SYSTEM, "at": NOW}


@pytest.fixture
def beta(db):
    return make_tenant("beta")


def test_invited_redeemed_confirmed(acme, beta):
    partnership, token = partnerships.invite(inviter=acme, note="hello", **ACT)
    assert partnerships.preview(token=token, at=NOW).inviter == acme
    partnerships.redeem(token=token, tenant=beta, **ACT)
    assert not partnerships.are_partners(acme, beta), "the inviter has not seen yet who it is"
    partnerships.confirm(tenant=acme, partnership_id=partnership.id, **ACT)
    assert partnerships.are_partners(acme, beta)
    assert partnerships.are_partners(beta, acme)
    assert list(partnerships.partners_of(acme)) == [beta]
    assert list(partnerships.partners_of(beta)) == [acme]
    story = ["partnership.invited", "partnership.redeemed", "partnership.confirmed"]
    assert history_of(acme)[-3:] == story
    assert history_of(beta)[-2:] == story[1:], "the invited side has no row before it is known"


def test_the_token_is_kept_nowhere(acme):
    partnership, token = partnerships.invite(inviter=acme, **ACT)
    assert token not in str(Partnership.objects.filter(pk=partnership.pk).values().get())
    with tenant_scope(acme.id):
        assert token not in str(list(HistoryEvent.objects.values()))


def test_looking_at_an_invitation_changes_nothing(acme):
    partnership, token = partnerships.invite(inviter=acme, **ACT)
    before = Partnership.objects.filter(pk=partnership.pk).values().get()
    for _ in range(3):
        partnerships.preview(token=token, at=NOW)
    assert Partnership.objects.filter(pk=partnership.pk).values().get() == before


def test_a_link_works_once(acme, beta, neighbour):
    _, token = partnerships.invite(inviter=acme, **ACT)
    partnerships.redeem(token=token, tenant=beta, **ACT)
    with pytest.raises(partnerships.InvitationUnknown):
        partnerships.redeem(token=token, tenant=neighbour, **ACT)
    with pytest.raises(partnerships.InvitationUnknown):
        partnerships.preview(token=token, at=NOW)


def test_unknown_used_expired_revoked_and_meant_for_another_read_alike(acme, beta, neighbour):
    def refusal(token, at=NOW):
        with pytest.raises(partnerships.InvitationUnknown) as refused:
            partnerships.redeem(token=token, tenant=neighbour, by=SYSTEM, at=at)
        return refused.value.code, refused.value.detail, refused.value.data

    answers = {str(refusal("\ud800 no such token\0"))}
    expired, token = partnerships.invite(inviter=acme, **ACT)
    answers.add(str(refusal(token, expired.expires_at)))
    partnerships.revoke(tenant=acme, partnership_id=expired.id, **ACT)
    answers.add(str(refusal(token)))
    _, token = partnerships.invite(inviter=acme, expected=beta, **ACT)
    answers.add(str(refusal(token)))
    with pytest.raises(partnerships.InvitationUnknown):
        partnerships.preview(token=token, tenant=neighbour, at=NOW)
    partnerships.redeem(token=token, tenant=beta, **ACT)
    answers.add(str(refusal(token)))
    assert len(answers) == 1


def test_the_expected_organization_is_confirmed_at_once(acme, beta):
    assert make_partners(acme, beta).state == "confirmed"
    assert history_of(beta)[-2:] == ["partnership.redeemed", "partnership.confirmed"]


def test_nobody_is_his_own_partner(acme):
    with pytest.raises(partnerships.OwnInvitation):
        partnerships.invite(inviter=acme, expected=acme, **ACT)
    partnership, token = partnerships.invite(inviter=acme, **ACT)
    with pytest.raises(partnerships.OwnInvitation):
        partnerships.redeem(token=token, tenant=acme, **ACT)
    assert Partnership.objects.get(pk=partnership.pk).state == "invited"


def test_a_pair_has_one_partnership_whoever_invites(acme, beta):
    _, token = partnerships.invite(inviter=beta, **ACT)
    make_partners(acme, beta)
    with pytest.raises(partnerships.AlreadyPartners):
        partnerships.redeem(token=token, tenant=acme, **ACT)
    with pytest.raises(partnerships.AlreadyPartners):
        partnerships.invite(inviter=beta, expected=acme, **ACT)


def test_the_database_refuses_what_the_actions_refuse(acme, beta):
    partnership = make_partners(acme, beta)
    rows = Partnership.objects.filter(pk=partnership.pk)
    with pytest.raises(IntegrityError, match="partnership_two_tenants"), transaction.atomic():
        rows.update(invitee=acme)
    with pytest.raises(IntegrityError, match="partnership_has_invitee"), transaction.atomic():
        rows.update(invitee=None)
    with pytest.raises(IntegrityError, match="partnership_one_per_pair"), transaction.atomic():
        Partnership.objects.create(
            inviter=beta,
            invitee=acme,
            state="redeemed",
            token_digest="x",
            invited_at=NOW,
            invited_by="x",
            expires_at=NOW,
        )


@pytest.mark.parametrize("side", ["acme", "beta"])
def test_either_side_may_decline_before_the_confirmation_and_none_after(acme, beta, side):
    tenant = {"acme": acme, "beta": beta}[side]
    partnership, token = partnerships.invite(inviter=acme, **ACT)
    partnerships.redeem(token=token, tenant=beta, **ACT)
    partnerships.decline(tenant=tenant, partnership_id=partnership.id, **ACT)
    assert history_of(beta)[-1] == history_of(acme)[-1] == "partnership.declined"
    with pytest.raises(partnerships.WrongState) as refused:
        partnerships.confirm(tenant=acme, partnership_id=partnership.id, **ACT)
    assert refused.value.data == {"state": "declined"}
    assert make_partners(acme, beta).state == "confirmed", "they may begin anew"


def test_only_the_inviter_confirms(acme, beta):
    partnership, token = partnerships.invite(inviter=acme, **ACT)
    partnerships.redeem(token=token, tenant=beta, **ACT)
    with pytest.raises(partnerships.NotTheInviter):
        partnerships.confirm(tenant=beta, partnership_id=partnership.id, **ACT)


def test_a_stranger_finds_no_partnership(acme, beta, neighbour):
    partnership = make_partners(acme, beta)
    open_invitation, _ = partnerships.invite(inviter=acme, **ACT)
    assert not partnerships.of(neighbour).exists()
    assert set(partnerships.of(beta)) == {partnership}, "an invitation is the inviter's until it is redeemed"
    assert open_invitation in partnerships.of(acme)
    for act in (partnerships.confirm, partnerships.decline, partnerships.revoke, partnerships.end):
        with pytest.raises(NotFound):
            act(tenant=neighbour, partnership_id=partnership.id, **ACT)
    with pytest.raises(NotFound):
        partners.accept_automatically(
            tenant=neighbour, partnership_id=partnership.id, contract_types=["access"], **ACT
        )


def test_ending_tells_the_apps_above_and_their_refusal_keeps_it(acme, beta):
    partnership = make_partners(acme, beta)

    def refuse(**carried):
        raise Forbidden("no")

    with pytest.raises(Forbidden), listening(signals.partnership_ended, refuse):
        partnerships.end(tenant=beta, partnership_id=partnership.id, **ACT)
    assert partnerships.are_partners(acme, beta)
    with listening(signals.partnership_ended) as heard:
        partnerships.end(tenant=beta, partnership_id=partnership.id, **ACT)
    assert [told["partnership"].id for told in heard] == [partnership.id]
    assert not partnerships.are_partners(acme, beta)
    assert not partnerships.partners_of(acme).exists()
    assert history_of(acme)[-1] == history_of(beta)[-1] == "partnership.ended"
    with pytest.raises(partnerships.WrongState):
        partnerships.end(tenant=acme, partnership_id=partnership.id, **ACT)


def test_an_act_on_an_old_revision_is_refused(acme, beta):
    partnership = make_partners(acme, beta)
    with pytest.raises(Stale):
        partnerships.end(tenant=acme, partnership_id=partnership.id, revision=partnership.revision - 1, **ACT)


def test_auto_accept_is_each_sides_own(acme, beta):
    partnership = make_partners(acme, beta)

    def switch(types):
        partners.accept_automatically(tenant=beta, partnership_id=partnership.id, contract_types=types, **ACT)

    def on(tenant, partner, contract_type="provision"):
        return partners.accepts_automatically(tenant=tenant, partner=partner, contract_type=contract_type)

    switch(["provision"])
    assert on(beta, acme)
    assert not on(acme, beta)
    assert not on(beta, acme, "access")
    switch(["access"])
    assert on(beta, acme, "access")
    assert not on(beta, acme)
    recorded = history_of(beta)
    switch(["access"])
    assert history_of(beta) == recorded, "no change, no record"
    partnerships.end(tenant=acme, partnership_id=partnership.id, **ACT)
    assert not on(beta, acme, "access")
    make_partners(acme, beta)
    assert not on(beta, acme, "access"), "a new partnership begins without old promises"


def test_of_two_who_redeem_at_once_one_wins(committed_db):
    acme, beta, gamma = (make_tenant(slug) for slug in ("acme", "beta", "gamma"))
    partnership, token = partnerships.invite(inviter=acme, **ACT)
    results = at_once(
        *(
            lambda tenant=tenant: partnerships.redeem(token=token, tenant=tenant, **ACT)
            for tenant in (beta, gamma)
        )
    )
    assert sorted(type(result).__name__ for result in results) == ["InvitationUnknown", "Partnership"]
    winner = Partnership.objects.get(pk=partnership.pk).invitee
    loser = ({beta, gamma} - {winner}).pop()
    assert history_of(loser) == ["tenant.created"]


def test_two_who_invite_each_other_at_once_become_partners_once(committed_db):
    acme, beta = make_tenant("acme"), make_tenant("beta")
    _, ours = partnerships.invite(inviter=acme, expected=beta, **ACT)
    _, theirs = partnerships.invite(inviter=beta, expected=acme, **ACT)
    results = at_once(
        lambda: partnerships.redeem(token=ours, tenant=beta, **ACT),
        lambda: partnerships.redeem(token=theirs, tenant=acme, **ACT),
    )
    assert sorted(type(result).__name__ for result in results) == ["AlreadyPartners", "Partnership"]


def test_confirm_and_decline_at_once_end_in_one_of_them(committed_db):
    acme, beta = make_tenant("acme"), make_tenant("beta")
    partnership, token = partnerships.invite(inviter=acme, **ACT)
    partnerships.redeem(token=token, tenant=beta, **ACT)
    results = at_once(
        lambda: partnerships.confirm(tenant=acme, partnership_id=partnership.id, **ACT),
        lambda: partnerships.decline(tenant=beta, partnership_id=partnership.id, **ACT),
    )
    assert sorted(type(result).__name__ for result in results) == ["Partnership", "WrongState"]


def test_lifetime_is_two_weeks(acme):
    partnership, _ = partnerships.invite(inviter=acme, **ACT)
    assert partnership.expires_at - NOW == timedelta(days=14)
