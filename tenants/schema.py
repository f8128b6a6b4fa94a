"""Query parameters that several doors take, as the schema describes them."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter


def query(name: str, description: str, type: object = str, **more: object) -> OpenApiParameter:
    """A parameter of the query string."""
    return OpenApiParameter(name, type, OpenApiParameter.QUERY, description=description, **more)  # type: ignore[arg-type]


LIMIT = query("limit", "How many rows at most.", {"type": "integer", "minimum": 1, "maximum": 500})
CURSOR = query("cursor", "Where to go on; taken from `next` of the page before.")
AT = query("at", "The moment that is asked about, RFC 3339; now when left out.", OpenApiTypes.DATETIME)
SEARCH = query("search", "Part of an id or a name.")
AFTER = query("after", "The last position that was read; 0 from the beginning, `latest` from now on.")
PAGE = [LIMIT, CURSOR]
