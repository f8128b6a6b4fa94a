"""Keeping the traces of changes few (:class:`accesscontrol.models.FactChange`)."""

import secrets
from datetime import datetime

from django.db import connection

CROWDED = 50  # traces of one key; its version is read with every token
BATCH = 1_000  # keys that are folded in one run
NEWEST = 3_000  # traces whose keys are counted: a crowd comes by new ones
SLICE = 20_000  # traces that are counted besides, at a place drawn by lot: nothing stays unseen for ever

# What goes is replaced by a nonce that was never there: whoever remembers something under a former version
# looks again. Without it the traces that are left could be those that somebody has seen before.
# Never the whole table is read: with a million traces that took five seconds of each minute.
_FOLD = """
WITH crowded AS MATERIALIZED (
    SELECT key FROM (
        SELECT DISTINCT key FROM (
            SELECT key FROM accesscontrol_factchange ORDER BY id DESC LIMIT %(newest)s
        ) AS newest
    ) AS new WHERE %(crowded)s < (
        SELECT count(*) FROM (
            SELECT FROM accesscontrol_factchange t WHERE t.key = new.key LIMIT %(crowded)s + 1
        ) AS enough
    )
    UNION
    SELECT key FROM (
        SELECT key FROM accesscontrol_factchange WHERE key >= %(lot)s ORDER BY key LIMIT %(slice)s
    ) AS old GROUP BY key HAVING count(*) > %(crowded)s
    LIMIT %(batch)s
), gone AS (
    DELETE FROM accesscontrol_factchange t USING crowded
    WHERE t.key = crowded.key AND t.until IS NULL RETURNING t.key
)
INSERT INTO accesscontrol_factchange (key, nonce)
SELECT key, uuid_hash_extended(gen_random_uuid(), 0) FROM (SELECT DISTINCT key FROM gone) AS folded
"""


def fold(*, at: datetime) -> int:
    """Forget those of revoked tokens that are over, and put one in the place of many. How many keys."""
    asked = {"crowded": CROWDED, "batch": BATCH, "newest": NEWEST, "slice": SLICE, "lot": _drawn()}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accesscontrol_factchange WHERE until < %s", [at])
        passed = cursor.rowcount
        cursor.execute(_FOLD, asked)
        return int(passed + cursor.rowcount)


def _drawn() -> int:
    """Keys are digests: whatever begins here is no other than what begins elsewhere."""
    return secrets.randbits(64) - 2**63
