"""Forms of a page as a browser would send them: with what stands in them already."""

from html.parser import HTMLParser

_UNSENT = ("submit", "button", "file")


class Forms(HTMLParser):
    """Of each form with method post, its fields and their values."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self._form: dict[str, str] | None = None
        self._field = ""  # a select or a textarea that is open
        self.feed(page)
        self.close()

    def with_fields(self, *names: str) -> dict[str, str]:
        """The first form that has all of them."""
        return next(form for form in self.found if all(name in form for name in names))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = {} if said.get("method", "").lower() == "post" else None
        elif self._form is not None and tag == "input":
            self._input(said)
        elif self._form is not None and tag in ("select", "textarea"):
            self._field = said.get("name", "")
            self._form[self._field] = ""
        elif self._form is not None and tag == "option" and "selected" in said:
            self._form[self._field] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._form is not None:
            self.found.append(self._form)
            self._form = None
        elif tag in ("select", "textarea"):
            self._field = ""

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._field and self.lasttag == "textarea":
            self._form[self._field] += data.removeprefix("\n")

    def _input(self, said: dict[str, str]) -> None:
        assert self._form is not None
        kind = said.get("type", "text")
        if kind in _UNSENT or (kind in ("checkbox", "radio") and "checked" not in said):
            return
        if "name" in said:
            self._form[said["name"]] = said.get("value", "on" if kind == "checkbox" else "")
