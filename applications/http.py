"""What several pages need of requests and addresses."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse

SAME_CLICK = timedelta(minutes=10)  # younger than this, an equal thing is the same click, sent twice


def address(name: str, slug: str, /, **path: object) -> str:
    """The address of one of this app's pages in the tenant with the slug."""
    return reverse(f"applications:{name}", kwargs={"slug": slug, **path})


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """The address with those parameters that have a value."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def take_turns(key: str) -> None:
    """Two submissions of the same form wait for each other until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"page:{key}"])
