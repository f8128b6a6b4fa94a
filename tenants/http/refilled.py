"""A page whose form is filled in again with what somebody had typed into it.

The page is drawn as for anybody who opens it; only the values of the form that was sent are put in. So every
form comes back, whoever wrote its page, and nothing of an act is done on the way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from django.http import QueryDict

_UNTOUCHED = ("submit", "button", "file", "password", "image", "reset")
_TICKED = ("checkbox", "radio")
# Made for the page that is drawn now: that of an earlier one would be refused, or say what is no longer so.
_OF_THE_PAGE = ("csrfmiddlewaretoken", "impact", "shown", "step", "seen")

Said = dict[str, str | None]


def refilled(page: str, fields: QueryDict) -> str:
    """The page with these values in whichever of its forms shares the most names with them."""
    forms = _Forms(page).found
    wanted = set(fields)
    best = max(forms, key=lambda form: len(form.names & wanted), default=None)
    if best is None or not best.names & wanted:
        return page
    pieces, here = [], 0
    left = {name: list(values) for name, values in fields.lists()}
    for start, end, text in sorted(_written(best, page, left)):
        pieces += [page[here:start], text]
        here = end
    return "".join([*pieces, page[here:]])


@dataclass
class _Control:
    """A control of a form, by where its tag begins and ends; ``inside`` is a textarea's text."""

    tag: str
    said: Said
    start: int
    end: int
    inside: tuple[int, int] | None = None
    of: str = ""  # the name of the select that an option belongs to

    @property
    def name(self) -> str:
        return self.of or self.said.get("name") or ""


@dataclass
class _Form:
    controls: list[_Control] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {control.name for control in self.controls} - {"", *_OF_THE_PAGE}


class _Forms(HTMLParser):
    """Where in a page the controls of its posted forms stand."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.found: list[_Form] = []
        self._form: _Form | None = None
        self._select = ""
        self._lines = [0]
        for line in page.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self._form = _Form() if (said.get("method") or "").lower() == "post" else None
            if self._form is not None:
                self.found.append(self._form)
        elif self._form is not None and tag in ("input", "textarea", "option"):
            start = self._here()
            end = start + len(self.get_starttag_text() or "")
            self._form.controls.append(_Control(tag, said, start, end, of=self._select))
        elif self._form is not None and tag == "select":
            self._select = said.get("name") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._form is not None:
            control = self._form.controls[-1]
            control.inside = (control.end, self._here())

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def _written(form: _Form, page: str, left: dict[str, list[str]]) -> Iterator[tuple[int, int, str]]:
    """What to put where. Of controls with one name each takes the next value."""
    for control in form.controls:
        kind = (control.said.get("type") or "text").lower()
        if control.name in ("", *_OF_THE_PAGE) or "disabled" in control.said or kind in _UNTOUCHED:
            continue
        values = left.get(control.name)
        if control.tag == "option":
            yield _tag(control, "selected", (control.said.get("value") or "") in (values or ()), page)
        elif control.tag == "input" and kind in _TICKED:
            yield _tag(control, "checked", (control.said.get("value") or "on") in (values or ()), page)
        elif values and control.tag == "input":
            said = {**control.said, "value": values.pop(0)}
            yield control.start, control.end, _drawn("input", said)
        elif values and control.inside is not None:
            yield *control.inside, "\n" + escape(values.pop(0))


def _tag(control: _Control, mark: str, on: bool, page: str) -> tuple[int, int, str]:
    said = {name: value for name, value in control.said.items() if name != mark}
    return control.start, control.end, _drawn(control.tag, {**said, **({mark: None} if on else {})})


def _drawn(tag: str, said: Said) -> str:
    attributes = [name if value is None else f'{name}="{escape(value)}"' for name, value in said.items()]
    return f"<{' '.join([tag, *attributes])}>"
