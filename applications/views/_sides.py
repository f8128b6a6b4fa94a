"""An amendment beside what it changes: the contract now, and as it would be."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from applications.models import Amendment, AmendmentRole, ContractTerm
from applications.policies import agreed_at


def sides(one: Amendment, terms: Iterable[ContractTerm], at: datetime) -> dict[str, Any]:
    """Roles by application, each ``kept``, ``removed`` or ``added``; and both ends, where they differ.

    The terms' roles with their applications are to be loaded.
    """
    verb = AmendmentRole.Verb
    verbs = {row.role_id: row.verb for row in one.roles.all()}
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for term in agreed_at(terms, at):
        role = term.role
        found[str(role.application)][role.name] = "removed" if verbs.get(role.pk) == verb.REMOVE else "kept"
    for row in one.roles.all():
        if row.verb == verb.ADD:
            found[str(row.role.application)][row.role.name] = "added"
    rows = [{"name": name, "roles": sorted(roles.items())} for name, roles in sorted(found.items())]
    moved = {"before": one.contract.ends_at, "after": one.ends_at} if one.moves_end else None
    return {"rows": rows, "moved": moved}
