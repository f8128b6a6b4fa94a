"""What a row objects to, said of the fields of the body it was made from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db.models import Model

from iam_portal.errors import Invalid


@contextmanager
def of_body(model: type[Model], fields: Mapping[str, str]) -> Iterator[None]:
    """``fields``: name of a column or a constraint → name in the body."""
    try:
        yield
    except ValidationError as refused:
        errors = [
            {"pointer": _pointer(model, fields, name, text), "code": error.code or "invalid", "detail": text}
            for name, found in refused.error_dict.items()
            for error in found
            for text in error.messages
        ]
        raise Invalid("Some values cannot be accepted. Nothing was changed.", errors=errors) from None


def _pointer(model: type[Model], fields: Mapping[str, str], name: str, text: str) -> str:
    said = {one.violation_error_message: one.name for one in model._meta.constraints}
    place = fields.get(name) or fields.get(said.get(text, ""))
    return f"/{place}" if place else ""
