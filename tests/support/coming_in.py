"""Who comes in where: somebody who holds something, in front of many doors."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponse

from iam_portal.launchers.doors import Door
from tests.support import agreed
from tests.support.knocking import House, Knocker, address_of

SENT = {door.address for door in agreed.PAGE_DOORS if door.method == "POST"}


def ways(door: Door, house: House) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what is needed, the ids that are of something): a door of contracts with a contract of each type."""
    if "{contract_id}" in door.address:
        for part in agreed.parts(door):
            yield str(part), {"contract_id": house.contracts[part.resource]}
    elif "{group_id}" in door.address and door.kind == "page":
        yield agreed.needed(door), {"group_id": house.group}
    else:
        yield agreed.needed(door), {}


def wrong_answers(
    visitor: Knocker, found: Iterable[Door], held: frozenset[str], house: House
) -> dict[str, Any]:
    """The doors that open to somebody who holds this, although they should not; and the other way round."""
    wrong = {}
    for door in found:
        sent = ("", "text/plain") if door.kind == "page" else ("{}", "application/json")
        of_some_type = not held.isdisjoint(agreed.needed(door).split("|"))
        for needed, known in ways(door, house):
            let_in = not held.isdisjoint(needed.split("|"))
            if not let_in and door.method == "GET" and door.address in SENT:
                continue  # the frame of all pages asks before it looks at the method: the form is tried
            reply = visitor.knock(door.method, address_of(door, house.acme, **known), *sent)
            hidden = door.kind == "rest" and of_some_type and not let_in
            if not _fits(reply, door, let_in=let_in, hidden=hidden):
                wrong[f"{door.method} {door.address} ({needed})"] = reply.status_code
    return wrong


def _fits(reply: HttpResponse, door: Door, *, let_in: bool, hidden: bool) -> bool:
    """Behind the door anything but a fault may happen: the ids are of nothing and the bodies are empty.

    ``hidden``: a contract of the other type, which is not found.
    """
    if hidden:
        return reply.status_code == 404
    if let_in:
        signed_in = "/sign-in" not in reply.get("Location", "")
        return reply.status_code in (200, 201, 204, 302, 400, 404, 409, 412, 428) and signed_in
    if door.kind == "page":
        return reply.status_code == 403 and b"This needs " in reply.content
    told = reply.json()
    said = {reason["code"] for reason in told.get("reasons", ())}
    return reply.status_code == 403 and (told["code"], said) == ("forbidden", {"permission_not_held"})
