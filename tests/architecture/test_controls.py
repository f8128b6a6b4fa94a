"""Controls are drawn in Python to the letter as Django's own templates draw them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.forms.renderers import TemplatesSetting, get_default_renderer
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, override

from iam_portal.templatetags import controls

NASTY = "\"><b>&'é"
ATTRIBUTES = {
    "class": NASTY,
    "required": True,
    "disabled": False,
    "maxlength": 12,
    "title": SafeString("&amp;"),
}
CHOICES = [
    ("", gettext_lazy("Language")),
    (NASTY, NASTY),
    (7, 12_345),
    (None, "none"),
    ("Area <1>", [("a/b", "b"), (NASTY + "2", SafeString("<i>x</i>"))]),
    (gettext_lazy("Time zone"), [(1, "one")]),
]
WIDGETS: list[tuple[forms.Widget, Any]] = [
    (forms.TextInput(ATTRIBUTES), NASTY),
    (forms.TextInput({"type": "datetime-local"}), None),
    (forms.HiddenInput(), 12_345),
    (forms.PasswordInput(), "never shown"),
    (forms.EmailInput(), ""),
    (forms.URLInput(), SafeString("a&amp;b")),
    (forms.NumberInput(), 1.5),
    (forms.DateTimeInput(format="%Y-%m-%dT%H:%M"), datetime(2027, 1, 2, 3, 4, tzinfo=UTC)),
    (forms.DateInput(), None),
    (forms.TimeInput(), None),
    (forms.FileInput(ATTRIBUTES), None),
    (forms.CheckboxInput(ATTRIBUTES), True),
    (forms.CheckboxInput(), "value"),
    (forms.CheckboxInput(), False),
    (forms.Textarea({"rows": 2}), f"\n{NASTY}\r\n"),
    (forms.Textarea(), None),
    (forms.Select(ATTRIBUTES, CHOICES), NASTY),
    (forms.Select(choices=CHOICES), None),
    (forms.Select(choices=CHOICES), 7),
    (forms.Select(), "a"),
    (forms.SelectMultiple(choices=CHOICES), [NASTY, "a/b", "1"]),
    (forms.NullBooleanSelect(), True),
    (forms.RadioSelect(choices=CHOICES[:3]), "7"),
    (forms.CheckboxSelectMultiple(ATTRIBUTES, CHOICES), [NASTY]),
]


@pytest.mark.parametrize(("widget", "value"), WIDGETS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_control_is_drawn_as_its_template_draws_it(widget: forms.Widget, value: Any, language: str) -> None:
    asked = (NASTY, value, {"id": "id_name", "aria-describedby": NASTY})
    with override(language):
        by_template = widget.render(*asked, renderer=TemplatesSetting())
        assert widget.render(*asked, renderer=controls.Controls()) == by_template
    assert "<b>" not in by_template


def test_it_is_what_forms_are_drawn_with() -> None:
    assert isinstance(get_default_renderer(), controls.Controls)
    drawn = {widget.template_name for widget, _value in WIDGETS} & set(controls._DRAWN)
    own = set(settings.BASE_DIR.glob("templates/django/**/*.html"))
    assert len(drawn) >= 13 and not own  # a template of ours by such a name would not be used
