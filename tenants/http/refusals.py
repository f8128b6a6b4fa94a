"""How a refusal of an action reaches the person: at the fields of the form, or as sentences."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.forms import BaseForm

from iam_portal.errors import DomainError
from iam_portal.translating import translated


@dataclass(slots=True)
class Outcome:
    """Reads as true unless the action was refused."""

    refusal: DomainError | ValidationError | None = None

    def __bool__(self) -> bool:
        return self.refusal is None


def into_form(form: BaseForm, refusal: DomainError | ValidationError) -> None:
    """Each objection at its field; those of fields that the form lacks, above it."""
    if isinstance(refusal, ValidationError):
        _invalid_into_form(form, refusal)
    else:
        _refusal_into_form(form, refusal)


def sentences(refusal: DomainError | ValidationError) -> list[str]:
    """The refusal, its objections, and the first reason, as text."""
    if isinstance(refusal, ValidationError):
        return [translated(text) for text in refusal.messages]
    told = [
        refusal.detail,
        *(error["detail"] for error in refusal.errors),
        *(reason.text for reason in refusal.reasons[:1]),
    ]
    return [translated(text) for text in told]


def _invalid_into_form(form: BaseForm, exc: ValidationError) -> None:
    """Each objection at its field; those of fields that the form lacks, above it."""
    if not hasattr(exc, "error_dict"):
        form.add_error(None, [translated(text) for text in exc.messages])
        return
    for name, errors in exc.error_dict.items():
        told = [translated(text) for error in errors for text in error.messages]
        form.add_error(name if name in form.fields else None, told)


def _refusal_into_form(form: BaseForm, exc: DomainError) -> None:
    placed = False
    for error in exc.errors:
        name = _snake(error["pointer"].strip("/").split("/")[0])
        placed = True
        form.add_error(name if name in form.fields else None, translated(error["detail"]))
    if not placed:
        for sentence in sentences(exc):
            form.add_error(None, sentence)


def _snake(name: str) -> str:
    """``redirectUris``, as the wire names a field, is ``redirect_uris`` in a form."""
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)
