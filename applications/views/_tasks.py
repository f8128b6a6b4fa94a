"""What contracts ask of this organization: answers, drafts, roles that grew, near ends and starts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from applications.http import address
from applications.shapes import state as state_of
from applications.views._task import ANSWER, ENDS, OPEN, SOON, STARTS, Task
from applications.views._titles import Title, titles
from tenants.models import Tenant

MOST = 100  # rows that are looked through
# Of a hundred only those that are shown are put into words and addresses.
_ANY = UUID(int=0)
_ANSWER, _AMENDED = pgettext_lazy("act", "Answer"), gettext_lazy("An amendment is proposed")
_DRAFTED, _CONTINUE = gettext_lazy("Drafted"), gettext_lazy("Continue")
_ENDS, _STARTS, _OPEN = gettext_lazy("Ends"), gettext_lazy("Starts"), gettext_lazy("Open")
# The contracts that may ask for something, the newest of each kind. All is read from the indexes of both
# sides, which hold every column that is asked for; what else is asked of what is agreed, by keys.
_COLUMNS = "id, provider_id, state, starts_at, ends_at, answer_by, created_at, proposed_at"
_AGREED = """SELECT {columns} FROM applications_contract
        WHERE provider_id = %(tenant)s AND type = ANY(%(types)s) AND state = 'accepted'
        UNION ALL
        SELECT {columns} FROM applications_contract
        WHERE consumer_id = %(tenant)s AND type = ANY(%(types)s) AND state = 'accepted'"""
_ASKING = f"""
WITH grown AS MATERIALIZED (
    SELECT t.contract_id, count(DISTINCT t.role_id) AS number FROM applications_contractterm t
    WHERE t.contract_id = ANY(ARRAY(
            SELECT id FROM applications_contract
            WHERE provider_id = %(tenant)s AND type = 'access' AND type = ANY(%(types)s)
                AND state = 'accepted' AND (ends_at IS NULL OR ends_at > %(at)s)))
        AND NOT isempty(t.during) AND (upper_inf(t.during) OR upper(t.during) > %(at)s)
        AND EXISTS (SELECT FROM applications_rolepermission p WHERE p.role_id = t.role_id
            AND p.during @> %(at)s::timestamptz AND NOT p.held @> t.confirmed_at)
    GROUP BY t.contract_id
), amended AS MATERIALIZED (
    SELECT contract_id FROM applications_amendment
    WHERE state = 'proposed' AND proposed_by_tenant_id <> %(tenant)s AND contract_id = ANY(ARRAY(
        {_AGREED.format(columns="id")}))
), asking AS (
    (SELECT {_COLUMNS} FROM applications_contract
    WHERE provider_id = %(tenant)s AND type = ANY(%(types)s) AND state = 'draft'
    ORDER BY created_at DESC, id LIMIT %(most)s)
    UNION ALL
    (SELECT {_COLUMNS} FROM applications_contract
    WHERE consumer_id = %(tenant)s AND type = ANY(%(types)s) AND state = 'proposed'
    ORDER BY created_at DESC, id LIMIT %(most)s)
    UNION ALL
    (SELECT * FROM (
        {_AGREED.format(columns=_COLUMNS)}
    ) agreed
    WHERE ends_at > %(at)s AND ends_at <= %(soon)s OR starts_at > %(at)s AND starts_at <= %(soon)s
        OR id IN (SELECT contract_id FROM grown) OR id IN (SELECT contract_id FROM amended)
    ORDER BY created_at DESC, id LIMIT %(most)s)
)
SELECT c.*, c.id IN (SELECT contract_id FROM amended), coalesce(grown.number, 0)
FROM asking c LEFT JOIN grown ON grown.contract_id = c.id
ORDER BY c.created_at DESC, c.id LIMIT %(most)s
"""


class _Asked(NamedTuple):
    """What a row is asked for its task; of those that are shown, the rest is read."""

    id: UUID
    provider_id: UUID
    state: str
    starts_at: datetime
    ends_at: datetime | None
    answer_by: datetime | None
    created_at: datetime
    proposed_at: datetime | None
    amended: bool
    grown: int  # roles that hold more than this side has confirmed


def tasks(types: Sequence[str], tenant: Tenant, at: datetime) -> list[Task]:
    """Everything that the contracts of these types ask for, without words. One query."""
    values: dict[str, Any] = {"tenant": tenant.id, "types": list(types), "at": at, "soon": at + SOON}
    with connection.cursor() as cursor:
        cursor.execute(_ASKING, {**values, "most": MOST})
        rows = [_Asked(*row) for row in cursor.fetchall()]
    found = []
    for row in rows:
        task = _task(row, tenant, at)
        found += [task] if task else []
        found += [_confirming(row.id, row.grown)] if row.grown else []
    return found


def titled(shown: Sequence[Task], tenant: Tenant) -> list[Task]:
    """Those that are shown, with words and addresses of their contracts. One query at most."""
    ids = {task.contract_id for task in shown if task.contract_id is not None}
    known, pages = (
        titles(ids, tenant),
        {task.action["page"] for task in shown if task.contract_id is not None},
    )
    addresses = {page: address(page, tenant.slug, contract_id=_ANY) for page in pages}
    # Of a hundred tasks, most have the same few words: each is put into the reader's language once.
    lazy = [part for task in shown for part in (task.note, task.action["label"])]
    said = {id(part): str(part) for part in {id(part): part for part in lazy}.values()}
    return [
        task if task.contract_id is None else _worded(task, known[task.contract_id], addresses, said)
        for task in shown
        if task.contract_id is None or task.contract_id in known  # one may be gone meanwhile
    ]


def _confirming(contract_id: UUID, count: int) -> Task:
    words = ngettext(
        "%(count)d role holds more than you confirmed", "%(count)d roles hold more than you confirmed", count
    )
    action = {"label": _("Look"), "page": "contract-confirm"}
    return Task(OPEN, "role", "", words % {"count": count}, None, action, contract_id)


def _task(row: Any, tenant: Tenant, at: datetime) -> Task | None:
    """What one row asks; whether it is paused does not matter."""
    state, received = state_of(row, at), row.provider_id != tenant.id

    def leading(rank: int, icon: str, note: Any, moment: datetime | None, label: Any) -> Task:
        return Task(rank, icon, "", note, moment, {"label": label, "page": "contract-detail"}, row.id)

    if state == "proposed" and received:
        return leading(ANSWER, "contract", "", row.proposed_at, _ANSWER)
    if state == "accepted" and row.amended:
        return leading(ANSWER, "edit", _AMENDED, None, _ANSWER)
    if state == "draft":
        return leading(OPEN, "edit", _DRAFTED, row.created_at, _CONTINUE)
    if state == "accepted" and row.ends_at and row.ends_at <= at + SOON:
        return leading(ENDS, "clock", _ENDS, row.ends_at, _OPEN)
    if state == "accepted" and at < row.starts_at <= at + SOON:
        return leading(STARTS, "calendar", _STARTS, row.starts_at, _OPEN)
    return None


def _worded(task: Task, title: Title, addresses: Mapping[str, str], said: Mapping[int, str]) -> Task:
    before, _any, after = addresses[task.action["page"]].rpartition(str(_ANY))  # a slug may be alike
    note = said[id(task.note)] or _("Proposed by %(partner)s") % {"partner": title.provider}
    return task._replace(
        text=title.text,
        note=note,
        action={"label": said[id(task.action["label"])], "url": f"{before}{task.contract_id}{after}"},
    )
