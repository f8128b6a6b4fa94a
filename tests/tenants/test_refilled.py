"""A page comes back with what was typed, whatever that is, and nothing else of it changes."""

import pytest
from django.http import QueryDict

from tenants.http.refilled import refilled
from tests.support.forms import Forms

PAGE = """<!doctype html><form action="/search"><input name="name" value="not this one"></form>
<form method="post"><input name="name" value="another"></form>
<form method="post" class="two">
<input type="hidden" name="csrfmiddlewaretoken" value="fresh"><input type="hidden" name="revision" value="2">
<input type="hidden" name="impact" value="i-new">
<input type="text" name="name" value="old &amp; plain" maxlength="150" required>
<input type="password" name="password">
<textarea name="note" rows="3">
old</textarea>
<select name="parent"><option value="">none<option value="1" selected>One</option>
<option value="2">Two</option></select>
<input type="checkbox" name="ticks" value="a" checked><input type="checkbox" name="ticks" value="b">
<input type="checkbox" name="whole" checked disabled>
<button name="go" value="save">Save</button></form>"""


def page_with(**typed: list[str]) -> dict[str, str]:
    fields = QueryDict(mutable=True)
    for name, values in typed.items():
        fields.setlist(name, values)
    return Forms(refilled(PAGE, fields)).found[1]


def test_every_kind_of_control() -> None:
    form = page_with(
        name=["new"],
        note=["a\r\nb"],
        parent=["2"],
        ticks=["b"],
        revision=["1"],
        go=["save"],
        impact=["i-old"],
    )
    assert form == {
        "csrfmiddlewaretoken": "fresh",
        "revision": "1",
        "impact": "i-new",
        "name": "new",
        "password": "",
        "note": "a\r\nb",
        "parent": "2",
        "ticks": "b",
        "whole": "on",
    }


@pytest.mark.parametrize(
    "hostile",
    [
        "</textarea><script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' autofocus onfocus='alert(1)",
        "&lt;b&gt; &amp;amp;",
        "\u202eשלום 🦊",
        "x" * 10_000,
        "\n first line empty",
    ],
)
def test_nothing_typed_becomes_markup(hostile: str) -> None:
    form = page_with(name=[hostile], note=[hostile], parent=[hostile])
    assert (form["name"], form["note"]) == (hostile, hostile)
    assert "parent" not in form or form["parent"] == ""
    fields = QueryDict(mutable=True)
    fields["name"] = fields["note"] = hostile
    assert "<script" not in refilled(PAGE, fields)
    assert "<img" not in refilled(PAGE, fields)


def test_a_page_without_such_a_form_stays_as_it_is() -> None:
    fields = QueryDict("unknown=1&csrfmiddlewaretoken=old")
    assert refilled(PAGE, fields) == PAGE
    assert refilled("<p>nothing", fields) == "<p>nothing"


def test_the_other_forms_stay_as_they_are() -> None:
    fields = QueryDict("name=new&note=x")
    first, *_ = Forms(refilled(PAGE, fields)).found
    assert first == {"name": "another"}
    assert 'value="not this one"' in refilled(PAGE, fields)
