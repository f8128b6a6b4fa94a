"""Reading JSON bodies, and the choice of a form for the reply."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

LARGEST = 16 * 1024 * 1024  # bytes: a manifest of 20,000 resources is a quarter of it


class TooLarge(APIException):
    """Nobody makes a process hold whatever he likes to send (RFC 9110 §15.5.14)."""

    status_code = 413
    default_code = "too_large"
    default_detail = f"The body is larger than {LARGEST} bytes."


def read_all(stream: IO[bytes]) -> bytes:
    """The whole body; TooLarge for what is not even read to its end."""
    raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise TooLarge
    return raw


class JSONBody(JSONParser):
    """As the framework's, but strict where its own would fail later: nesting without end, half characters."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value; ParseError for whatever is none, TooLarge as :func:`read_all`."""
        raw = read_all(stream)
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


class Forms(DefaultContentNegotiation):
    """As the framework's, but an unknown ``format`` is a form that there is not, like an unknown ``Accept``.

    Its own says 404, as if nothing were at the address. An empty one is unknown, too: it chose nothing.
    """

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        if request.query_params.get(self.settings.URL_FORMAT_OVERRIDE) == "":
            raise NotAcceptable
        found: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, format_suffix)
        return found

    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            raise NotAcceptable
        return found
