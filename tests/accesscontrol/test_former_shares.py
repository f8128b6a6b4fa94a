"""What was shared once tells nothing more: roles and resources that its owner declares after the end."""

from typing import Any

import pytest
from django.utils import timezone

from applications.actions import contracts, pauses
from applications.actions.manifests import declare
from tests.accesscontrol.role_story import PLANNER, Story, text_of, tree
from tests.applications.story import Party, party, share
from tests.support import factories

PAGES = ("access", "resources", "calls", "callers")


def end(owner: Party, contract: Any) -> None:
    contracts.end(tenant=owner.tenant, contract_id=contract.id, by=factories.SYSTEM, at=timezone.now())


def declare_more(story: Story) -> None:
    """A third depot, which nobody could know who was a partner only before."""
    planner, at = story.acme.applications["planner"], timezone.now()
    declare(application=planner, manifest=tree(3), by=story.acme.actor, at=at)


def reads_nothing(reader: Party) -> None:
    for part in PAGES:
        assert reader.get(f"applications/{PLANNER}/{part}").status_code == 404, part
    assert reader.get(f"roles/of/{PLANNER}/reader").status_code == 404
    assert reader.get(f"roles/of/{PLANNER}/reader/holders").status_code == 404
    for wanted in ("planner", f"urn:iam:application-role:{reader.tenant.pk}:{PLANNER}:reader"):
        kinds = {group["key"]: group["hits"] for group in reader.get("search", q=wanted).context["groups"]}
        assert not [hit for hit in kinds.get("roles", []) if PLANNER in hit.url], wanted
    assert PLANNER not in text_of(reader.get("roles"))
    shown = text_of(reader.get("access/decision", application=PLANNER))
    assert "depot-" not in shown


def test_once_the_contract_is_over(story: Story) -> None:
    assert story.beta.get(f"applications/{PLANNER}/resources").status_code == 200
    end(story.acme, story.contract)
    declare_more(story)
    reads_nothing(story.beta)
    left = text_of(story.beta.get(f"applications/{PLANNER}"))  # that it was shared, and when
    assert f"{PLANNER}/access" not in left
    assert f"{PLANNER}/access" in text_of(story.acme.get(f"applications/{PLANNER}"))


def test_one_that_is_to_come_or_rests_shows_what_it_is_about(story: Story) -> None:
    now = timezone.now()
    pauses.pause(tenant=story.acme.tenant, contract_id=story.contract.id, by=factories.SYSTEM, at=now)
    assert story.beta.get(f"applications/{PLANNER}/resources").status_code == 200
    assert story.beta.get(f"roles/of/{PLANNER}/reader").status_code == 200
    assert "depot-" in text_of(story.beta.get("access/decision", application=PLANNER))


@pytest.mark.parametrize("first", ["provision", "access"])
def test_access_shows_no_more_than_its_provider_has(story: Story, first: str) -> None:
    gamma, delta = party("gamma"), party("delta")
    for one, other in ((story.acme, gamma), (gamma, delta)):
        factories.make_partners(one.tenant, other.tenant, at=timezone.now())
    planner = story.acme.applications["planner"]
    source = share(story.acme, gamma, planner, onward=True)
    onward = share(gamma, delta, planner, type="access")
    assert delta.get(f"applications/{PLANNER}/resources").status_code == 200
    end(*((story.acme, source) if first == "provision" else (gamma, onward)))
    declare_more(story)
    reads_nothing(delta)
