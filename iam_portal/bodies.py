"""Reading JSON bodies."""

import io
import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class JSONBody(JSONParser):
    """As the framework's, but strict where its own would fail later: nesting without end, half characters."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value; ParseError for whatever is none."""
        raw = stream.read()
        try:
            value = super().parse(io.BytesIO(raw), media_type, parser_context)
            if (
                b"\\u" in raw
            ):  # only an escape can make half of a surrogate pair, which no answer could repeat
                json.dumps(value, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except UnicodeEncodeError as error:
            raise ParseError("The body holds half of a character.") from error
        return value
