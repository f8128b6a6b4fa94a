"""The table of roles: what each of the portal's roles holds, and which doors it opens.

Written beside the table of doors. That it is what was agreed is for the tests to say.
"""

from collections import defaultdict
from collections.abc import Iterable

from accesscontrol.portal_roles import ALL, ROLE_KEYS, permissions_of
from iam_portal.launchers.doors import OWN_APPLICATION, Door, doors, opened_by

_TITLE = """\
# Roles of the portal

Written by `make doors` from the code; a test fails when it is old, and another one when it is not what was
agreed. Each role is tried at each door, held by a person and by a service. What lies behind a door asks
again for the row's own: a contract's type decides between *PCM* and *ACM*, below any organization but the
platform's the doors of organizations lead nowhere, and nobody hands out what he does not hold himself
([who may grant what](security-model.md)). Doors that take an application's own credentials are left out, and
so are those that are [open to everybody](doors.md#open-to-everybody).
"""
_OPEN = "●"
SECTIONS = {
    "/iam/access-management/v1/tenants/{tenant_id}/": "Access management, below the tenant",
    "/iam/application-management/v1/tenants/{tenant_id}/": "Application management, below the tenant",
    "/t/{slug}/": "Pages",
}


def document() -> str:
    """The whole file, as Markdown."""
    table = [door for door in doors() if door.permission not in ("", OWN_APPLICATION)]
    lines = [_TITLE, "| | role | holds |", "|---|---|---|"]
    lines += [f"| {short(role)} | `{role}` | {_held(role)} |" for role in ROLE_KEYS]
    lines += ["", "A person has *U* without being given it.", ""]
    for prefix, title in SECTIONS.items():
        lines += [f"## {title}", "", *_grid(table, prefix), ""]
    return "\n".join(lines)


def _grid(table: Iterable[Door], prefix: str) -> list[str]:
    """A row for each address below the prefix; methods that open to the same roles share one."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for door in table:
        if door.address.startswith(prefix):
            rows[door.address.removeprefix(prefix), tuple(opened_by(door.permission))].append(door.method)
    head = " | ".join(short(role) for role in ROLE_KEYS)
    lines = [f"| door | {head} |", "|---|" + ":-:|" * len(ROLE_KEYS)]
    for (address, roles), methods in rows.items():
        cells = " | ".join(_OPEN if role in roles else "" for role in ROLE_KEYS)
        lines.append(f"| `{' '.join(methods)} {address or '/'}` | {cells} |")
    return lines


def short(role: str) -> str:
    """``provision-contract-manager`` → ``PCM``; contract and configuration are told apart."""
    parts = role.split("-")
    return "".join("Cf" if part == "configuration" else part[0].upper() for part in parts)


def _held(role: str) -> str:
    """``all on Users, Groups; read Acl``."""
    privileges: dict[str, list[str]] = defaultdict(list)
    for _, resource, privilege in sorted(permissions_of(role), key=lambda held: ALL.index(held[2])):
        privileges[resource].append(privilege)
    resources: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for resource in sorted(privileges):
        resources[tuple(privileges[resource])].append(resource)
    return "; ".join(
        f"{'all on' if found == ALL else ', '.join(found)} {', '.join(names)}"
        for found, names in sorted(resources.items(), key=lambda pair: -len(pair[0]))
    )
