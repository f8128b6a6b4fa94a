"""schemathesis at every door, as everybody: what fits the description and what does not is answered so.

Once each here, the same at every run; ``make fuzz`` tries for longer, see test_fuzzed_long.py.
"""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from pytest_django import DjangoDbBlocker
from schemathesis import Case, GenerationMode

from accesscontrol.oauth.described import operation_ids
from iam_portal.launchers import doors
from tests.support import described, fuzzing
from tests.support.once import savepoint
from tests.support.town import ACCESS, METER, SHARING, Town

pytestmark = pytest.mark.exhaustive(8)

REST = [(door.method, door.address) for door in doors.doors() if door.kind == "rest"]


def try_all(town: Town, name: str, mode: GenerationMode) -> set[int]:
    """Each request is sent by everybody in turn. Returns the statuses that were seen."""
    operation, seen = fuzzing.operations()[name], set()
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=fuzzing.known_to(town, operation))

    @settings(
        max_examples=1,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(strategy)
    def knock(case: Case) -> None:
        seen.update(fuzzing.require_described(case, visitor) for visitor in town.visitors.values())

    with suppress(Unsatisfiable):  # where nothing but the address is sent, nothing of it can be wrong
        knock()
    return seen


@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.name
)
@pytest.mark.parametrize(("method", "address"), REST, ids=lambda part: part.removeprefix("/iam/"))
def test_a_door_answers_as_described(town: Town, method: str, address: str, mode: GenerationMode) -> None:
    name = described.operations()[method, address]["operationId"]
    assert try_all(town, name, mode) or mode is GenerationMode.NEGATIVE


@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.name
)
@pytest.mark.parametrize("name", operation_ids())
def test_oauth_answers_as_described(town: Town, name: str, mode: GenerationMode) -> None:
    assert try_all(town, name, mode) or mode is GenerationMode.NEGATIVE


def test_what_integrators_do_first(town: Town, django_db_blocker: DjangoDbBlocker) -> None:
    """Requests that make sense, one after the other; the description shows them as its examples."""
    with savepoint(django_db_blocker):
        own = f"{SHARING}applications/{METER}"
        town.ask("manager", "GET", own)
        town.ask("manager", "PATCH", own, description="Counts what machines use.")
        town.ask("manager", "POST", f"{SHARING}applications", name="planner", displayName="Planner")
        town.ask("manager", "GET", f"{own}/clients")
        town.ask("manager", "DELETE", f"{own}/clients/{METER}/secrets/{{secret_id}}")
        town.ask("manager", "GET", f"{ACCESS}groups/{{group_id}}")
        town.ask("manager", "GET", f"{ACCESS}assignments")
        given = {"principal": {"groupId": town.rows["group_id"]}, "role": {"key": "operator"}}
        town.ask("manager", "POST", f"{ACCESS}assignments", **given)
        role = town.ask("manager", "GET", f"{ACCESS}roles/operator")
        town.ask("manager", "GET", f"{ACCESS}roles/operator/impact?action=delete")
        changed = {
            "name": "Operators",
            "description": "The night shift, too.",
            "permissions": role["permissions"],
        }
        town.ask("manager", "PUT", f"{ACCESS}roles/operator", **changed)


def test_what_partners_do_first(town: Town, django_db_blocker: DjangoDbBlocker) -> None:
    """The same for sharing, and for the application that is shared."""
    with savepoint(django_db_blocker):
        roles = [{"applicationId": METER, "role": "viewer"}]
        offer = {"consumerTenantId": town.rows["beta"], "type": "provision", "roles": roles}
        drafted = town.ask("manager", "POST", f"{SHARING}contracts", **offer)
        path = f"{SHARING}contracts/{drafted['contractId']}"
        town.ask("manager", "PATCH", path, revision=drafted["revision"], note="For the second plant.")
        wider = [{"applicationId": METER, "role": "editor"}]
        path = f"{SHARING}contracts/{{contract_id}}/amendments"
        amended = town.ask("manager", "POST", path, addRoles=wider)
        theirs = SHARING.format(tenant_id=town.rows["beta"])
        path = f"{theirs}contracts/{{contract_id}}/amendments/{amended['amendmentId']}"
        town.ask("outsider", "GET", f"{path}/impact")
        town.ask("application", "GET", "/iam/application-management/v1/application/tenants")
