"""The configuration as JSON, as YAML (RFC 9512) and as a workbook, all read strictly."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer

from accesscontrol.configuration import json_text, yaml_text
from accesscontrol.sheets import reading
from iam_portal.bodies import read_all

YAML = "application/yaml"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class YamlRenderer(BaseRenderer):
    """Renders a document; a refusal stays the problem document that it is."""

    media_type = YAML
    format = "yaml"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if "version" not in data:
            return bytes(JSONRenderer().render(data))
        return yaml_text.write(data).encode()


class YamlBody(BaseParser):
    """Strict, safe YAML."""

    media_type = YAML

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value; NotYaml for whatever is none."""
        return yaml_text.read(read_all(stream))


class JsonBody(BaseParser):
    """Strict JSON."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value; NotJson for whatever is none."""
        return json_text.read(read_all(stream))


class SheetRenderer(BaseRenderer):
    """Hands out a workbook that is made already; a refusal stays the problem document that it is."""

    media_type = XLSX
    format = "xlsx"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return data if isinstance(data, bytes) else bytes(JSONRenderer().render(data))


class SheetBody(BaseParser):
    """A workbook, in which every cell is text."""

    media_type = XLSX

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The document with the places of its parts; SheetInvalid for whatever is none."""
        return reading.read(read_all(stream))
