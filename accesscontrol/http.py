"""Tables as CSV (RFC 4180) for people who open them in a spreadsheet."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer

from tenants.http.exports import defused


class CsvRenderer(BaseRenderer):
    """Renders ``{"columns": [...], "rows": [...]}``; a refusal stays the problem document that it is."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if "columns" not in data:
            return bytes(JSONRenderer().render(data))
        return table(data["columns"], data["rows"]).encode()


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The whole file, with a heading."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue()
