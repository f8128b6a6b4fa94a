"""What must be there after a long run, to the last one."""

from collections import Counter
from collections.abc import Sequence

from tests.benchmarks.soak_tally import Tally
from tests.support.portal import RunningPortal
from tests.support.stage import Side, Stage

_COMPARE = (
    "from applications import readmodel; "
    "print({name: len(rows) for name, rows in readmodel.differences().items() if rows})"
)


def lost(
    portal: RunningPortal, steady: Sequence[Stage], changing: Sequence[Stage], tally: Tally
) -> list[str]:
    """One line for each thing that is missing or doubled."""
    faults = []
    for stage in steady:
        issued = tally.counts[f"issued {stage.contract_id}"]
        counted = stage.provider.act("GET", f"contracts/{stage.contract_id}/usage").body["tokens"]
        if counted != issued:
            faults.append(f"{issued} tokens were issued, {counted} are counted")
    told = _pauses_told(changing[0].provider)
    for stage in changing:
        done = tally.counts[f"paused {stage.contract_id}"]
        if told[stage.contract_id] != done:
            faults.append(f"{done} pauses were made, {told[stage.contract_id]} were told as events")
    return faults + _chain(portal, steady[0].provider) + _differences(portal)


def _pauses_told(side: Side) -> Counter[str]:
    """By contract, from all events of the organization; each position once."""
    found: Counter[str] = Counter()
    after, seen = 0, -1
    while after != seen:
        seen = after
        page = side.act("GET", f"events?after={after}&limit=500").body
        found.update(
            item["subject"].rpartition("/")[2] for item in page["items"] if "contract.paused" in item["type"]
        )
        after = page["next"]
    return found


def _chain(portal: RunningPortal, side: Side) -> list[str]:
    """History's hash chain, walked from its beginning."""
    portal.run_job("tenants.chain_history")
    portal.run_job("tenants.verify_history")
    path = f"/iam/access-management/v1/tenants/{side.tenant_id}/history/chain"
    check = side.portal.call("GET", path, side.new_token()).body["verification"]
    return [] if check["whole"] else [f"history is broken: {check}"]


def _differences(portal: RunningPortal) -> list[str]:
    """Grants and availability, against the facts."""
    printed = portal.manage("shell", "--no-imports", "-c", _COMPARE).strip()
    return [] if printed == "{}" else [f"the read model differs: {printed[:200]}"]
