"""A page as somebody reads it who knows no English: its texts, and which of them are English."""

import re
from collections.abc import Iterator
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

from django.conf import settings

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES" / "django.mo"
_READ_OUT = ("title", "placeholder", "aria-label", "aria-description", "alt", "data-label")
_NOT_WORDS = ("script", "style", "code", "pre", "kbd")
_GAP = re.compile(r"%\(\w+\)[+.\d]*\w|%[ds]|{}")
_LEAST = 8  # letters: what is left of a shorter pattern fits everything


class Texts(HTMLParser):
    """What is shown and what is read out, with the addresses that the page leads to.

    Without what says itself that it is of another language, and what the record holds.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.language, self.found, self.links = "", list[str](), list[str]()
        self._inside = list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "a":
            self.links.append(given.get("href", ""))
        self.found += [given[name] for name in _READ_OUT if given.get(name)]
        apart = tag in _NOT_WORDS or "lang" in given or given.get("class") == "changes"
        if (apart and tag != "html") or tag in self._inside:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and not self._inside:
            self.found.append(words)


class English:
    """The messages of the catalogue that a German page must not show."""

    def __init__(self) -> None:
        with CATALOGUE.open("rb") as file:
            known = dict(_pairs(GNUTranslations(file)))
        german = set(known.values())
        self._exact, self._patterns = set[str](), list[re.Pattern[str]]()
        for message, translation in known.items():
            if message == translation or message in german:
                continue
            plain = re.sub(r"<[^>]+>", "", " ".join(message.split()))
            if not _GAP.search(plain):
                self._exact.add(plain)
            elif len(re.sub(r"\W", "", _GAP.sub("", plain))) >= _LEAST:
                self._patterns.append(re.compile(".+".join(map(re.escape, _GAP.split(plain)))))

    def among(self, texts: list[str]) -> set[str]:
        """Those that are English."""
        return {text for text in texts if text in self._exact or self._fits(text)}

    def _fits(self, text: str) -> bool:
        return any(pattern.fullmatch(text) for pattern in self._patterns)


def _pairs(catalogue: GNUTranslations) -> Iterator[tuple[str, str]]:
    for key, translation in catalogue._catalog.items():  # type: ignore[attr-defined]
        message = key[0] if isinstance(key, tuple) else key
        if message:
            yield message.rpartition("\4")[2], translation
