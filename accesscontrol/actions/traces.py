"""Keeping the traces of changes few (:class:`accesscontrol.models.FactChange`)."""

import secrets
from datetime import datetime

from django.db import connection

from iam_portal.walls import cross_tenant

CROWDED = 50  # traces of one key; its version is read with every token
BATCH = 1_000  # keys that are folded in one run
NEWEST = 3_000  # traces whose keys are counted: a crowd comes by new ones
SLICE = 20_000  # traces that are counted besides, at a place drawn by lot: nothing stays unseen for ever

# By a function of the owner: whoever may delete traces can make an old answer look true. What goes is
# replaced by a nonce that was never there: whoever remembers something under a former version looks again.
# Without it the traces that are left could be those that somebody has seen before.
# Never the whole table is read: with a million traces that took five seconds of each minute.
_FOLD = "SELECT iam_fold_traces(%s, %s, %s, %s, %s, %s)"


def fold(*, at: datetime) -> int:
    """Forget those of revoked tokens that are over, and put one in the place of many. How many keys."""
    with cross_tenant(), connection.cursor() as cursor:
        cursor.execute(_FOLD, [at, _drawn(), NEWEST, SLICE, CROWDED, BATCH])
        return int(cursor.fetchone()[0])


def _drawn() -> int:
    """Keys are digests: whatever begins here is no other than what begins elsewhere."""
    return secrets.randbits(64) - 2**63
