"""How long a connection to the database may keep somebody waiting when nobody answers.

A line that was cut says nothing: without limits the kernel sends for a quarter of an hour what nobody takes,
and waits for two hours before it asks an idle peer whether he is there.
"""

from typing import Any

# Of our side: seconds to connect to one host; milliseconds for what was sent and is not acknowledged; and
# while an answer is waited for, whether the other side is there.
_CLIENT: dict[str, Any] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 8_000,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}
# Of the server: one statement, one wait for a lock, and a transaction whose client is silent. Without the
# last ones the locks of a client that is gone would hold everybody for hours. Behind the wall the planner's
# estimates are far off: it would compile what is done in a millisecond, for a hundred times as long.
_SERVER = {
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "jit": "off",
}
# Of a pool: how long a request waits for a connection, and how long the pool tries to make one before the
# next request begins anew. The library's own pause would have grown to minutes by the end of a long fault.
_POOL = {"min_size": 1, "timeout": 5, "reconnect_timeout": 3}


def bounded(database: dict[str, Any], *, pooled: bool) -> dict[str, Any]:
    """The same database with limits; what its address says itself stays.

    ``pooled``: behind a pooler that would refuse settings of a session (``docs/operations.md`` names them).
    """
    options = {**_CLIENT, **database.get("OPTIONS", {})}
    if not pooled:
        ours = " ".join(f"-c {name}={value}" for name, value in _SERVER.items())
        options["options"] = f"{ours} {options.get('options', '')}".strip()
    return {**database, "OPTIONS": options}


def pool(size: int) -> dict[str, Any]:
    """Options of a process's pool."""
    return {**_POOL, "max_size": size}
