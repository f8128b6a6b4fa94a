"""What speaks against a workbook, with the sheet and the cell in which it stands."""

from dataclasses import dataclass, field

from iam_portal.errors import Invalid
from iam_portal.sentences import Said, said

MOST = 100  # objections that are listed


class SheetInvalid(Invalid):
    """No workbook that is taken, or one with cells that say nothing."""

    code = "sheet_invalid"


def broken(text: str) -> SheetInvalid:
    """The refusal of a whole file."""
    return SheetInvalid(text)


def at(place: str, text: str) -> Said:
    """What is said of a place; both parts of it in the reader's language, where it has a word for them."""
    return said(
        "%(place)s: %(text)s", {"place": place, "text": text if isinstance(text, Said) else said(text)}
    )


def address(column: int, row: int) -> str:
    """``C7``, as every office program names a cell."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


@dataclass(slots=True)
class Objections:
    """Collected, so that a person sees all of them at once."""

    found: list[dict[str, str]] = field(default_factory=list)

    def add(self, place: str, code: str, text: str) -> None:
        """``place`` is ``Groups!A5``, or a sheet."""
        if len(self.found) < MOST:
            pointer = "/" + place.replace("~", "~0").replace("/", "~1")
            self.found.append({"pointer": pointer, "code": code, "detail": at(place, text)})

    def refuse(self) -> None:
        """If there are any."""
        if self.found:
            text = "The workbook cannot be read as it is. Nothing was changed."
            raise SheetInvalid(text, errors=self.found)
