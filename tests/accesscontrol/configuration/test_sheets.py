"""A tenant's roles and groups as a workbook: edited, looked at, applied by the engine of documents."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.support import factories
from tests.support.configuring import World, codes, steps
from tests.support.forms import Forms
from tests.support.workbooks import XLSX, apply, download, edited, plan, texts


def test_unedited_it_changes_nothing(world: World) -> None:
    raw = download(world, world.acme)
    for sent in (raw, edited(raw, lambda book: None)):
        planned = plan(world, world.acme, sent)
        assert (planned.status_code, planned.json()["steps"], planned.json()["objections"]) == (200, [], [])


def test_it_reads_as_people_look_at_it(world: World) -> None:
    raw = download(world, world.acme)
    assert texts(raw, "Roles") == [["Key", "Name", "Description"], ["dispatch", "Dispatch", "By night"]]
    head, *rows = texts(raw, "Permissions")
    assert head[:3] == ["Application", "Resource type", "Resource"]
    [held] = [row for row in rows if row[head.index("dispatch")]]
    assert held[:3] == ["acme.fleet-planner", "urn:fleet:tour", "tours"]
    assert (held[head.index("dispatch")], held[head.index("Can be allowed")]) == ("read", "read")
    assert texts(raw, "Members")[1:] == [
        ["Night shift", "kim", "", ""],
        ["Night shift", "lee", "", ""],
        ["Plant", "kim", "", ""],
    ]
    about = "\n".join(" ".join(row) for row in texts(raw, "Read me"))
    assert str(world.acme.tenant.id) in about
    assert str(world.neighbour.tenant.id) not in about


def moved(book: Any) -> None:
    """A role more, another name, a group more with somebody in it, and one is out of a group."""
    roles, permissions, groups, members = (
        book[name] for name in ("Roles", "Permissions", "Groups", "Members")
    )
    roles.append(["night", "Night", None])
    head = [cell.value for cell in permissions[1]]
    new, old = len(head) + 1, head.index("dispatch") + 1
    permissions.cell(1, new, "night")
    [row] = [row for row in range(2, permissions.max_row + 1) if permissions.cell(row, old).value]
    roles["B2"] = "Dispatchers"
    permissions.cell(row, new, "Read")
    groups.append(["Early shift", "plant", "Mornings"])
    members.append(["early shift", "LEE", None, "2099-01-01T00:00:00Z"])
    members.delete_rows(2)


def test_what_is_edited_is_shown_and_done(world: World) -> None:
    raw = edited(download(world, world.acme), moved)
    planned = plan(world, world.acme, raw).json()
    assert planned["objections"] == []
    assert sorted(steps(planned)) == [
        "add groups Early shift",
        "add groups Early shift: lee",
        "add roles night",
        "change roles dispatch",
        "remove groups Night shift: kim",
    ]
    [kim] = planned["impact"]["users"]["items"]
    assert kim["roles"][0].endswith(":dispatch")

    done = apply(world, world.acme, raw, planned["revision"])

    assert done.status_code == 200, done.content
    document = world.document(world.acme)
    assert [role["key"] for role in document["roles"]] == ["dispatch", "night"]
    [early] = [group for group in document["groups"] if group["name"] == "Early shift"]
    assert early["memberships"] == [{"user": "lee", "until": "2099-01-01T00:00:00Z"}]
    assert len(world.history(world.acme, "configuration.applied")) == 1


def test_what_others_changed_since_the_download_stays(world: World) -> None:
    raw = edited(download(world, world.acme), moved)
    planned = plan(world, world.acme, raw).json()
    factories.make_group(world.acme.tenant, "Late shift", at=timezone.now())
    for refused in (plan(world, world.acme, raw), apply(world, world.acme, raw, planned["revision"])):
        assert (refused.status_code, refused.json()["code"]) == (412, "sheet_outdated")
        assert refused.json()["sections"] == ["groups"]
    assert "Late shift" in [group["name"] for group in world.document(world.acme)["groups"]]


def test_a_section_without_its_sheets_is_not_touched(world: World) -> None:
    def without_groups(book: Any) -> None:
        del book["Groups"]
        del book["Members"]

    raw = download(world, world.acme)
    factories.make_group(world.acme.tenant, "Late shift", at=timezone.now())
    planned = plan(world, world.acme, edited(raw, without_groups))
    assert (planned.status_code, planned.json()["steps"]) == (200, [])
    refused = plan(world, world.acme, edited(raw, lambda book: book.remove(book["Members"])))
    assert codes(refused) == {("/Members", "no_sheet")}


def test_another_organizations_workbook_is_refused(world: World) -> None:
    raw = download(world, world.neighbour)
    refused = plan(world, world.acme, raw)
    assert (refused.status_code, refused.json()["code"]) == (400, "sheet_of_another")


def test_it_shows_and_does_what_the_sections_let_one(world: World) -> None:
    """Who may read groups and roles gets them; who may change nothing by their doors does not by a file."""
    people = world.people["acme"]
    bare = download(world, world.acme, people["configurer"])
    assert "Roles" not in bare.decode("latin-1")
    raw = edited(download(world, world.acme, people["looker"]), moved)
    planned = plan(world, world.acme, raw, people["looker"]).json()
    assert {one["code"] for one in planned["objections"]} == {"forbidden"}
    assert all(one["pointer"].startswith("/") and "!" in one["detail"] for one in planned["objections"])
    assert world.export(world.acme, people["kim"]).status_code == 403
    hidden = plan(world, world.acme, raw, people["configurer"]).json()
    assert {one["code"] for one in hidden["objections"]} == {"forbidden"}
    assert hidden["steps"] == []


def test_objections_name_the_cell(world: World) -> None:
    def wrong(book: Any) -> None:
        book["Members"].append(["Plant", "nobody"])
        book["Groups"].append(["Far", "Nowhere"])

    raw = edited(download(world, world.acme), wrong)
    refused = plan(world, world.acme, raw)
    assert codes(refused) == {("/Groups!B4", "unknown_group")}
    raw = edited(download(world, world.acme), lambda book: book["Members"].append(["Plant", "nobody"]))
    [objection] = plan(world, world.acme, raw).json()["objections"]
    assert objection["code"] == "unknown_user"
    assert objection["detail"].startswith("Members!")
    raw = edited(download(world, world.acme), lambda book: book["Groups"].append(["x" * 121]))
    [error] = plan(world, world.acme, raw).json()["errors"]
    assert error["pointer"] == "/Groups!A4"


# --- the page ---------------------------------------------------------------------------------------------


def sent(world: World, raw: bytes, client: Any = None, **fields: str) -> Any:
    """By the form, as a file."""
    file = SimpleUploadedFile("acme.xlsx", raw)
    return (client or world.acme.client).post("/t/acme/settings/workbook", {"file": file, **fields})


def again(world: World, page: Any) -> Any:
    """With what stands in the form: the file is not sent again."""
    form = Forms(page.content.decode()).with_fields("workbook", "impact")
    return world.acme.client.post("/t/acme/settings/workbook", {**form, "go": "apply"})


def test_a_person_downloads_looks_and_applies(world: World) -> None:
    got = world.acme.client.get("/t/acme/settings/workbook/download")
    assert (got["Content-Type"], got["Content-Disposition"]) == (XLSX, 'attachment; filename="acme.xlsx"')
    looked = sent(world, edited(got.content, moved), go="look")
    shown = looked.content.decode()
    assert looked.status_code == 200
    assert all(text in shown for text in ("Early shift: lee", "Apply the workbook", "~ name: Dispatch"))
    assert "Early shift" not in str(world.document(world.acme))

    done = again(world, looked)

    assert (done.status_code, done.headers.get("Location")) == (302, "/t/acme/settings"), done.content
    assert "Early shift" in str(world.document(world.acme))
    late = again(world, looked)  # the same once more: what it was made of is gone
    assert late.status_code == 412
    assert "has changed since this workbook was downloaded" in late.content.decode()


def test_what_moved_after_the_look_is_not_applied(world: World) -> None:
    looked = sent(world, edited(download(world, world.acme), moved), go="look")
    factories.make_group(world.acme.tenant, "Late shift", at=timezone.now())
    late = again(world, looked)
    assert late.status_code == 412
    assert "Late shift" in str(world.document(world.acme))


def test_the_page_names_the_cell_of_what_is_wrong(world: World) -> None:
    raw = download(world, world.acme)
    for edit, said in (
        (lambda book: book["Groups"].append(["=1+1"]), "Groups!A4: This is a formula"),
        (lambda book: book["Members"].append(["Plant", "nobody"]), "Members!"),
        (lambda book: book["Groups"].append(["x" * 121]), "Groups!A4: "),
        (lambda book: book["Roles"].append(["dispatch", "Twice"]), "Roles!A3: "),
    ):
        page = sent(world, edited(raw, edit), go="look").content.decode()
        assert said in page
        assert "Apply the workbook" not in page
    for nothing in (b"", b"PK", b"name,parent"):
        assert sent(world, nothing, go="look").status_code == 200
    unread = {"workbook": "!", "go": "apply", "impact": "i-0"}
    assert world.acme.client.post("/t/acme/settings/workbook", unread).status_code == 200


def test_who_may_only_read_downloads_and_no_more(world: World) -> None:
    reader = world.people["acme"]["reader"]
    assert reader.get("/t/acme/settings/workbook/download").status_code == 200
    assert "acme.xlsx" in reader.get("/t/acme/settings").content.decode()
    assert sent(world, b"x", reader, go="look").status_code == 403
    page = sent(world, edited(download(world, world.acme), moved), world.people["acme"]["looker"], go="look")
    shown = page.content.decode()
    assert "This needs the permission" in shown
    assert "Apply the workbook" not in shown
    assert len(world.history(world.acme, "configuration.refused")) == 1
