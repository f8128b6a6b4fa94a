"""The whole review at one look, for files: all of the tenant's people and services at once."""

from collections.abc import Iterable
from datetime import datetime

from accesscontrol import holdings
from accesscontrol.decide import CallFacts, RoleBook
from accesscontrol.review.lines import Review
from applications import facts as sharing_facts
from applications.models import Application
from iam_portal.errors import NotFound
from tenants.models import Tenant, User


def review(*, tenant: Tenant, application_id: str, since: datetime) -> Review:
    """NotFound for an application with which the tenant never had to do. Runs in the tenant's scope."""
    tenant_id = str(tenant.id)
    sharing = sharing_facts.of_application(application_id, tenant_id=tenant_id)
    if sharing is None or not sharing_facts.concerns(sharing, tenant_id=tenant_id):
        raise NotFound
    found = holdings.load({application_id: [tenant_id]}, when=since)
    people = found.people.get((application_id, tenant_id), {})
    users = {user.pk: str(user) for user in User.everyone.filter(tenant=tenant, id__in=list(people))}
    calls = [
        (caller, facts)
        for (caller, target, place), facts in found.calls.items()
        if target == application_id and is_ours(facts, place, tenant_id)
    ]
    names = called(caller for caller, _ in calls)
    return Review(
        tenant_id=tenant_id,
        sharing=sharing,
        book=found.books.get((application_id, tenant_id), RoleBook()),
        people=tuple((users[user_id], facts) for user_id, facts in people.items() if user_id in users),
        services=tuple((names[caller], facts) for caller, facts in calls),
    )


def is_ours(facts: CallFacts, place: str, tenant_id: str) -> bool:
    """Called here by what was given here, or elsewhere by an application of the tenant's own."""
    if place == tenant_id:
        return bool(facts.local.assignments)
    return facts.home_id == tenant_id and bool(facts.at_home.assignments)


def called(application_ids: Iterable[str]) -> dict[str, str]:
    """The names of applications."""
    rows = Application.objects.filter(id__in=set(application_ids))
    return dict(rows.values_list("id", "display_name"))
