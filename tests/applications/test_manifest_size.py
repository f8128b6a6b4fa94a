"""A large manifest: as many statements as a small one, what is too large is refused, and the words stay."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from applications.actions import manifests
from applications.actions.confirmations import Overtaken
from applications.manifest import DeclaredResource, Diff, ResourceKey, _depths, parse
from applications.models import Application, ApplicationRole, Resource, ResourcePlace, RolePermission
from applications.placing import DEEPEST
from applications.serializers import manifest as shapes
from iam_portal.errors import Invalid
from iam_portal.walls import cross_tenant
from tenants.models import still_open
from tests.applications.sharing import T0, make_pair
from tests.support.database import owner_connection
from tests.support.factories import SYSTEM

LATER = T0 + timedelta(hours=1)


@pytest.fixture
def meter(db: None) -> Application:
    make_pair()
    return Application.objects.get(id="acme.meter")


def document(number: int, name: str = "Name", privilege: str = "read") -> dict[str, Any]:
    """So many resources, most below the one before, and as many roles and required roles."""
    resources = [
        {
            "type": "urn:large",
            "id": f"r{place}",
            "name": f"{name} {place}",
            "privileges": ["read", "modify"],
            **({"parent": {"type": "urn:large", "id": f"r{place - 1}"}} if place % DEEPEST else {}),
        }
        for place in range(number)
    ]
    roles = [
        {
            "key": f"role{place}",
            "name": f"{name} {place}",
            "permissions": [
                {"resourceType": "urn:large", "resourceId": f"r{other}", "privileges": [privilege]}
                for other in range(place % 3, number)[:4]
            ],
        }
        for place in range(number)
    ]
    required = [{"applicationId": f"other.app{place}", "role": "viewer"} for place in range(number)]
    return {"resources": resources, "roles": roles, "requiredRoles": required}


def declared(application: Application, written: dict[str, Any]) -> tuple[Diff, int]:
    with CaptureQueriesContext(connection) as queries:
        diff = manifests.declare(application=application, manifest=parse(written), by=SYSTEM, at=LATER)
    return diff, len(queries)


def test_the_size_does_not_count_in_statements(meter: Application) -> None:
    """New, changed in every word, other permissions, gone: each with two sizes."""
    steps = [("Name", "read"), ("Other", "read"), ("Other", "modify"), ("Name", "read")]
    counts = []
    for number in (4, 60):
        manifests.declare(application=meter, manifest=parse(document(1)), by=SYSTEM, at=LATER)
        counts.append([declared(meter, document(number, *step))[1] for step in steps])
    assert counts[0] == counts[1]
    assert max(counts[0]) < 50


def test_what_is_declared_is_there_and_only_once(meter: Application) -> None:
    diff, _ = declared(meter, document(60))
    assert len(diff.added) == 180
    assert not declared(meter, document(60))[0]
    living = Resource.objects.placed(LATER).filter(application=meter, type="urn:large")
    assert living.count() == 60
    assert living.get(key="r7").parent_id == living.get(key="r6").id
    assert RolePermission.objects.at(LATER).filter(role__application=meter).count() == 4 * 60
    ids = set(living.values_list("id", flat=True))

    renamed = declared(meter, document(60, "Other", "modify"))[0]

    assert (len(renamed.added), len(renamed.changed), renamed.removed) == (0, 120, [])
    assert set(living.values_list("id", flat=True)) == ids
    assert set(living.values_list("name", flat=True)) == {f"Other {place}" for place in range(60)}
    told = RolePermission.objects.at(LATER).filter(role__application=meter)
    assert set(told.values_list("privilege", flat=True)) == {"modify"}


def test_another_parent_is_kept(meter: Application) -> None:
    declared(meter, document(4))
    written = document(4)
    del written["resources"][3]["parent"]
    written["resources"][2]["parent"]["id"] = "r0"
    declared(meter, written)
    rows = ResourcePlace.objects.filter(still_open(), resource__type="urn:large")
    parents = dict(rows.values_list("resource__key", "parent__key"))
    assert parents == {"r0": None, "r1": "r0", "r2": "r0", "r3": None}


def chain(number: int, deepest: int = DEEPEST) -> dict[str, Any]:
    """So many resources in chains of so many levels, the innermost first."""
    rows = [
        {
            "type": "urn:deep",
            "id": f"r{place}",
            "privileges": ["read"],
            **({"parent": {"type": "urn:deep", "id": f"r{place - 1}"}} if place % deepest else {}),
        }
        for place in range(number)
    ]
    return {"resources": rows[::-1]}


def test_the_21st_level_is_refused_where_it_stands() -> None:
    assert len(parse(chain(DEEPEST)).resources) == DEEPEST
    with pytest.raises(Invalid) as refused:
        parse(chain(DEEPEST + 1, DEEPEST + 1))
    [error] = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/resources/0/parent", "invalid")
    assert "20" in error["detail"]


def test_a_loop_is_told_of_those_that_are_in_it() -> None:
    """What only hangs on it is not."""
    written = chain(5)
    written["resources"][-1]["parent"] = {"type": "urn:deep", "id": "r2"}
    with pytest.raises(Invalid) as refused:
        parse(written)
    assert [error["pointer"] for error in refused.value.errors] == [
        f"/resources/{place}/parent" for place in (2, 3, 4)
    ]


class Watched(dict[ResourceKey, DeclaredResource]):
    """Counts how often one of it is looked at."""

    looks = 0

    def __getitem__(self, key: ResourceKey) -> DeclaredResource:
        self.looks += 1
        return super().__getitem__(key)


def test_two_thousand_in_one_line_are_passed_once_each() -> None:
    line = [("urn:deep", f"r{place}") for place in range(2000)]
    above = dict(zip(line[1:], line, strict=False))
    rows = Watched({each: DeclaredResource(*each, "", ("read",), parent=above.get(each)) for each in line})
    assert _depths(rows)[line[-1]] == 2000
    assert rows.looks == 2000


@pytest.fixture
def taken_for_empty(db: None) -> Iterator[None]:
    """The planner believes that there are no resources and no places, and goes on believing it."""
    tables = "'applications_resource'::regclass, 'applications_resourceplace'::regclass"
    belief = f"""
        UPDATE pg_class SET relpages = %s, reltuples = %s WHERE oid IN ({tables})
            OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN ({tables}))
    """
    with owner_connection() as owner:
        owner.execute(belief, [3, 0])
    yield
    with owner_connection() as owner:
        owner.execute(belief, [0, -1])


def looked_at() -> int:
    """Rows of resources and places that the database read in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables "
            "WHERE relname IN ('applications_resource', 'applications_resourceplace')"
        )
        return int(cursor.fetchone()[0])


def test_each_takes_as_much_however_many_there_are(taken_for_empty: None, meter: Application) -> None:
    """For new ones as for those that only get another name."""
    for number in (200, 400):
        before = looked_at()
        declared(meter, chain(number))
        declared(meter, {"resources": [{**row, "name": "x"} for row in chain(number)["resources"]]})
        assert looked_at() - before < number * (DEEPEST + 20)
        declared(meter, {"resources": []})


@pytest.mark.parametrize(
    ("place", "name", "value", "words"),
    [
        ("resources", "type", "nothing", "A resource type is a URN."),
        ("roles", "key", "Not This", "A role key has 1 to 64 of a-z 0-9 . _ -."),
    ],
)
def test_what_the_database_refuses_is_said_in_the_models_words(
    meter: Application, place: str, name: str, value: str, words: str
) -> None:
    written = document(3)
    written[place].append({**written[place][0], name: value})
    written["resources"][-1].pop("parent", None)
    before = ApplicationRole.objects.count()
    with pytest.raises(ValidationError) as refused, transaction.atomic():
        declared(meter, written)
    assert refused.value.messages == [words]
    assert ApplicationRole.objects.count() == before
    with cross_tenant():
        assert not Resource.objects.filter(type="urn:large").exists()


def test_nothing_is_declared_as_of_before_another_declaration(meter: Application) -> None:
    """It was sent first and came to its turn last: the two would mix."""
    manifests.declare(
        application=meter, manifest=parse(document(2)), by=SYSTEM, at=LATER + timedelta(hours=1)
    )
    for number in (1, 2):
        with pytest.raises(Overtaken, match="Somebody else declared"):
            declared(meter, document(number))


@pytest.mark.parametrize(
    ("address", "most"),
    [
        (("resources",), shapes.MOST_RESOURCES),
        (("roles",), shapes.MOST_ROLES),
        (("roles", 0, "permissions"), shapes.MOST_PERMISSIONS),
        (("requiredRoles",), shapes.MOST_REQUIRED),
    ],
)
def test_lists_have_an_end(address: tuple[Any, ...], most: int) -> None:
    written = document(1)
    place: Any = written
    for step in address[:-1]:
        place = place[step]
    for number, fine in ((most, True), (most + 1, False)):
        place[address[-1]] = place[address[-1]][:1] * number
        assert shapes.ManifestIn(data=written).is_valid() is fine
