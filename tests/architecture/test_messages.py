"""The catalogue of German: everything in it, nothing left over, and the file that runs is made of it."""

import ast
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from tests.support.absence import lacking

FOLDER = Path(settings.LOCALE_PATHS[0]) / "de" / "LC_MESSAGES"
TEXT, RUNS = FOLDER / "django.po", FOLDER / "django.mo"
_ENTRY = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")$')
_GAP = re.compile(r"%(?:\(\w+\))?[+.\d]*[sdf]|\{\w*\}|</?\w+>")


@pytest.fixture(scope="module")
def entries() -> list[dict[str, str]]:
    return list(filter(lambda entry: entry["msgid"], read(TEXT)))


def read(path: Path) -> list[dict[str, str]]:
    """Each message with its parts; comments under ``#``."""
    found: list[dict[str, str]] = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        entry = {"#": ""}
        part = "#"
        for line in block.splitlines():
            if line.startswith("#"):
                entry["#"] += line
                continue
            named = _ENTRY.match(line)
            part, text = (named[1], named[2]) if named else (part, line)
            entry[part] = entry.get(part, "") + text[1:-1]
        found.append(entry)
    return found


def translations(entry: dict[str, str]) -> list[str]:
    return [text for name, text in entry.items() if name.startswith("msgstr")]


def test_every_message_is_translated(entries: list[dict[str, str]]) -> None:
    assert len(entries) > 2000
    assert [entry["msgid"] for entry in entries if not all(translations(entry))] == []
    assert [entry["msgid"] for entry in entries if "fuzzy" in entry["#"] or "#~" in entry["#"]] == []


def test_no_message_stands_inside_an_f_string() -> None:
    """gettext reads none of those: the message would have no German, and nothing would say so."""
    callers = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "said"}
    apps = ("iam_portal", "tenants", "applications", "accesscontrol")
    found, looked = [], 0
    for path in (path for app in apps for path in (Path(settings.BASE_DIR) / app).rglob("*.py")):
        looked += 1
        for string in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for call in ast.walk(string) if isinstance(string, ast.JoinedStr) else ():
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args:
                    written = isinstance(call.args[0], ast.Constant)
                    found += [f"{path}:{call.lineno}"] if written and call.func.id in callers else []
    assert looked > 500
    assert found == []


def test_gaps_are_the_same_on_both_sides(entries: list[dict[str, str]]) -> None:
    differing = [
        (entry["msgid"], text)
        for entry in entries
        for text in translations(entry)
        if Counter(_GAP.findall(text)) != Counter(_GAP.findall(entry["msgid"]))
        and Counter(_GAP.findall(text)) != Counter(_GAP.findall(entry.get("msgid_plural", entry["msgid"])))
    ]
    assert differing == []


def test_it_speaks_as_it_was_agreed(entries: list[dict[str, str]]) -> None:
    """No exclamation marks, German quotation marks, and a sentence stays one."""
    for entry in entries:
        for text in translations(entry):
            assert "!" not in text, text
            assert "“" not in text or "„" in text, text
            assert text.endswith(".") or not entry["msgid"].endswith("."), text


def test_nothing_is_new_and_nothing_is_gone(tmp_path: Path) -> None:
    """Gathered anew, it is the very file that is committed."""
    if shutil.which("xgettext") is None:
        lacking("gettext (xgettext, msgmerge) is not installed")
    anew = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    anew.parent.mkdir(parents=True)
    shutil.copyfile(TEXT, anew)
    with override_settings(LOCALE_PATHS=[tmp_path]):
        call_command("makemessages", locale=["de"], verbosity=0)
    assert anew.read_text() == TEXT.read_text(), "run `make messages` and translate what is new"


def test_the_file_that_runs_is_made_of_it(tmp_path: Path) -> None:
    if shutil.which("msgfmt") is None:
        lacking("gettext (msgfmt) is not installed")
    made = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", made, TEXT], check=True, timeout=60)
    assert made.read_bytes() == RUNS.read_bytes(), "run `make messages`"
