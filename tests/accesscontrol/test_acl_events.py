"""What is told of an ACL that moved, to whom, by whom; and what reading it costs."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accesscontrol import jobs
from accesscontrol.actions import mirrors
from applications import events
from applications.actions import contracts, pauses
from applications.actions.drafts import Offer
from applications.jobs import tell_boundaries
from applications.models import Event
from iam_portal.walls import cross_tenant
from tenants.actions import tenants
from tests.accesscontrol.mirroring import Story
from tests.applications.sharing import T0, accepted
from tests.support.factories import SYSTEM, make_partners, make_tenant
from tests.support.universe import basic


@pytest.fixture
def story(acl_story: Story) -> Story:
    return acl_story


def revisions_told(story: Story) -> list[int]:
    with cross_tenant():
        rows = Event.objects.filter(type="iam.acl.changed.v1", application=story.meter).order_by("id")
        assert {row.tenant_id for row in rows} <= {story.acme.id}
        return [row.data["revision"] for row in rows]


def test_each_revision_has_its_event_for_the_application(story: Story) -> None:
    first = story.snapshot()["revision"]
    head = events.head()
    story.later()
    story.declare("gates")
    story.snapshot()
    story.snapshot()
    assert revisions_told(story) == [first, first + 1]
    headers = basic(story.meter.id, story.secrets[story.meter.id])
    page = story.browser.get(
        f"/iam/application-management/v1/application/events?after={head}", headers=headers
    ).json()
    own = [item for item in page["items"] if item["type"] == "iam.acl.changed.v1"]
    assert [item["data"] for item in own][-1] == {"applicationId": "acme.meter", "revision": first + 1}


@pytest.mark.parametrize("act", ["manifest", "pause", "roles", "tenant role", "boundary", "suspension"])
def test_the_job_tells_what_nobody_has_read(story: Story, act: str) -> None:
    story.snapshot()
    contract = {"tenant": story.acme, "contract_id": story.contract.id, "by": SYSTEM, "at": story.at}
    if act == "roles":  # Beta keeps the application, whatever becomes of this contract
        offer = Offer(type="provision", roles=[(story.meter.id, "editor")])
        second = contracts.draft(
            provider=story.acme, consumer_id=story.beta.id, offer=offer, by=SYSTEM, at=story.at
        )
        contracts.propose(tenant=story.acme, contract_id=second.id, by=SYSTEM, at=story.at)
    if act == "boundary":
        contracts.end(**contract, when=story.at + timedelta(minutes=5))
    jobs.watch_acls()
    told = revisions_told(story)
    story.later()
    contract["at"] = story.at
    if act == "manifest":
        story.declare("gates")
    if act == "roles":
        contracts.accept(tenant=story.beta, contract_id=second.id, by=SYSTEM, at=story.at)
    if act == "pause":
        pauses.pause(**contract)
    if act == "tenant role":
        story.tenant_role(story.beta, "night", "read")
    if act == "suspension":
        tenants.suspend(tenant=story.beta, reason="", by=SYSTEM, at=story.at)
    if act == "boundary":
        story.later(minutes=5)
        tell_boundaries()

    jobs.watch_acls()
    jobs.watch_acls()

    assert revisions_told(story) == [*told, told[-1] + 1]
    assert story.snapshot()["revision"] == told[-1] + 1


def test_the_job_looks_at_nobody_without_news_or_readers(story: Story) -> None:
    mirrors.watch(at=story.at)
    story.declare("gates")
    assert mirrors.watch(at=story.at) == 0, "nobody reads this ACL"
    story.snapshot()
    story.later()
    story.declare("doors")
    assert mirrors.watch(at=story.at) == 1
    assert mirrors.watch(at=story.at) == 0, "its own event is no news"


# --- cost -----------------------------------------------------------------------------------------------


def queries(story: Story, **query: Any) -> int:
    with CaptureQueriesContext(connection) as caught:
        story.snapshot(**query)
    return len(caught)


def test_reading_costs_the_same_with_more_tenants_and_resources(story: Story) -> None:
    revision = story.snapshot()["revision"]
    before = [queries(story), queries(story, since=revision)]
    for name in ("gamma", "delta"):
        tenant = make_tenant(name, at=T0)
        make_partners(story.acme, tenant, at=T0)
        accepted(story.acme, tenant, story.meter.id, at=T0)
    story.declare("gates", "doors")
    story.snapshot()
    assert [queries(story), queries(story, since=revision)] == before
