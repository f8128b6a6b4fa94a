"""The whole load, step by step, into a database that has room for it."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import connection, connections

from iam_portal.launchers.children import LaunchError
from iam_portal.launchers.load import lending
from iam_portal.launchers.load.sizes import Sizes
from tenants.models import Tenant


class Refused(LaunchError):
    """Rows that nobody agreed to do not belong among real ones."""


def load(sizes: Sizes, *, at: datetime, into: str, tell: Callable[[str], object]) -> None:
    """Write it. ``into`` names the database, where organizations are there already; ``tell`` hears of it."""
    if settings.PRODUCTION:
        raise Refused("Nobody agreed to these contracts. They do not belong in production.")
    if objections := sizes.objections():
        raise Refused("; ".join(objections))
    _refuse_strangers(sizes, into)
    world = sizes.world(at=at)
    world.write_facts()
    tell("Facts are written.")
    look_again()
    world.derive_grants()
    tell("Grants are written.")
    look_again()
    world.derive_rest()
    tell("Availability and its events are written.")
    company = sizes.company(world.tenant(sizes.company_ordinal()), at=at)
    company.build()
    world.administer()
    tell(f"{company.tenant.name} ({company.tenant.slug}) has {company.users} people.")
    look_again()


def look_again() -> None:
    """Have the database count anew, where we may: the planner knows nothing of rows that came in bulk.

    Without the owner's address this is autovacuum's work, which comes within minutes.
    """
    if "owner" in connections:
        lending.as_owner("ANALYZE")


def _refuse_strangers(sizes: Sizes, into: str) -> None:
    name = connection.settings_dict["NAME"]
    others = Tenant.objects.filter(is_platform=False)
    if into and into != name:
        raise Refused(f"This database is {name}, not {into}.")
    if others.exists() and not into:
        raise Refused(f"The database {name} holds organizations. Say --into {name} if it is meant.")
    if others.filter(slug__startswith=f"{sizes.name}-").exists():
        raise Refused(f"There are organizations {sizes.name}-… already. Give another --name.")
