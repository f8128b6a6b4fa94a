"""A town with neighbours whose every row holds a word that nobody else may read, and ids to ask for it by."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accesscontrol.portal_roles import ROLE_KEYS
from applications.actions import applications, contracts, manifests
from applications.actions.applications import Details
from applications.actions.drafts import Offer
from tenants.models import Tenant
from tests.support import town as towns
from tests.support.factories import SYSTEM, make_group, make_partners, make_tenant, make_user
from tests.support.knocking import service
from tests.support.town import ACCESS, SHARING, Town
from tests.support.universe import manifest_of

OURS, THEIRS = "zq7ours", "zq7theirs"  # in names of acme's; in everything of the neighbours'


@dataclass
class FuzzedTown:
    """``strange``: the neighbours' ids, by what addresses call them. ``uuids``: of everybody, for bodies."""

    town: Town
    strange: dict[str, str]
    uuids: list[UUID]

    def unseen_by(self, who: str) -> tuple[str, ...]:
        """The words that must not reach somebody."""
        return {"stranger": (OURS,), "nobody": (OURS, THEIRS)}.get(who, (THEIRS,))


def told() -> FuzzedTown:
    """Within a transaction of the caller's; the tokens of its services live for five minutes."""
    at, town = datetime.now(UTC), towns.told()
    town.visitors["automation"] = service(town.acme, "robot", *ROLE_KEYS)
    _name_ours(town)
    gamma, delta = make_tenant(f"{THEIRS}-c", at=at), make_tenant(f"{THEIRS}-d", at=at)
    town.visitors["stranger"] = service(gamma, "robot", *ROLE_KEYS)
    strange = {name: str(value) for name, value in _neighbours(gamma, delta, at).items()}
    strange |= _their_rows(town, str(gamma.id), strange)
    found = [*town.rows.values(), *strange.values()]
    return FuzzedTown(town, strange, sorted({UUID(each) for each in found if len(each) == 36}))


def _name_ours(town: Town) -> None:
    make_user(town.acme, f"{OURS}.jane", at=datetime.now(UTC))
    town.ask("manager", "POST", f"{ACCESS}groups", name=f"Group {OURS}")
    town.ask("manager", "POST", f"{ACCESS}roles", key="secretive", name=f"Role {OURS}", permissions=[])
    own = f"{SHARING}applications/{{application_id}}"
    town.ask("manager", "PATCH", own, description=f"Counts {OURS}.")


def _neighbours(gamma: Tenant, delta: Tenant, at: datetime) -> dict[str, Any]:
    """Two who share with each other, and with nobody of the town."""
    partnership = make_partners(gamma, delta, at=at)
    details = Details(name=f"{THEIRS}-meter", display_name=f"Meter {THEIRS}", description=THEIRS)
    made = applications.register(owner=gamma, details=details, by=SYSTEM, at=at)
    manifests.declare(application=made, manifest=manifest_of(("viewer", "editor")), by=SYSTEM, at=at)
    offer = Offer(type="provision", roles=[(made.id, "viewer")], note=THEIRS)
    contract = contracts.draft(provider=gamma, consumer_id=delta.id, offer=offer, by=SYSTEM, at=at)
    contracts.propose(tenant=gamma, contract_id=contract.id, by=SYSTEM, at=at)
    contracts.accept(tenant=delta, contract_id=contract.id, by=SYSTEM, at=at)
    user = make_user(gamma, f"{THEIRS}.jo", at=at)
    return {
        "tenant_id": gamma.id,
        "realm": gamma.id,
        "organization_id": delta.id,
        "application_id": made.id,
        "client_id": made.id,
        "contract_id": contract.id,
        "partnership_id": partnership.id,
        "user_id": user.id,
        "group_id": make_group(gamma, THEIRS, members=(user,), at=at).id,
    }


def _their_rows(town: Town, tenant_id: str, known: dict[str, str]) -> dict[str, str]:
    """What one of them makes by the doors themselves."""
    theirs = {part: part.format(tenant_id=tenant_id) for part in (ACCESS, SHARING)}
    hook = town.ask(
        "stranger",
        "POST",
        f"{theirs[SHARING]}webhooks",
        url=f"https://hooks.example.org/{THEIRS}",
        types=["iam.contract.paused.v1"],
    )
    client = f"{theirs[SHARING]}applications/{known['application_id']}/clients/{known['client_id']}"
    secret = town.ask("stranger", "POST", f"{client}/secrets", note=THEIRS)
    given = {
        "principal": {"userId": known["user_id"]},
        "role": {"applicationId": known["application_id"], "key": "viewer"},
    }
    assignment = town.ask("stranger", "POST", f"{theirs[ACCESS]}assignments", **given)
    return {
        "webhook_id": hook["webhookId"],
        "secret_id": secret["secretId"],
        "assignment_id": assignment["assignmentId"],
    }
