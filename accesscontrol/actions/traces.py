"""Keeping the traces of changes few (:class:`accesscontrol.models.FactChange`)."""

from datetime import datetime

from django.db import connection

CROWDED = 50  # traces of one key; its version is read with every token
BATCH = 1_000

# What goes is replaced by a nonce that was never there: whoever remembers something under a former version
# looks again. Without it the traces that are left could be those that somebody has seen before.
_FOLD = """
WITH crowded AS MATERIALIZED (
    SELECT key FROM accesscontrol_factchange WHERE until IS NULL
    GROUP BY key HAVING count(*) > %(crowded)s ORDER BY key LIMIT %(batch)s
), gone AS (
    DELETE FROM accesscontrol_factchange t USING crowded WHERE t.key = crowded.key RETURNING t.key
)
INSERT INTO accesscontrol_factchange (key, nonce)
SELECT key, uuid_hash_extended(gen_random_uuid(), 0) FROM (SELECT DISTINCT key FROM gone) AS folded
"""


def fold(*, at: datetime) -> int:
    """Forget those of revoked tokens that are over, and put one in the place of many. How many keys."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accesscontrol_factchange WHERE until < %s", [at])
        passed = cursor.rowcount
        cursor.execute(_FOLD, {"crowded": CROWDED, "batch": BATCH})
        return int(passed + cursor.rowcount)
