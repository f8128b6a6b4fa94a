"""Draws every component and sample pages with invented data, without database, and serves them on loopback.

python -m tests.support.ui_preview FOLDER [--serve PORT]     the policy of the real site is sent with each answer
"""

import argparse
import functools
import http.server
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django import forms
from django.conf import settings
from django.contrib.messages import constants as levels
from django.contrib.messages.storage.base import Message
from django.template.loader import render_to_string

from tests.support import ui_sample_lists as lists
from tests.support import ui_samples as samples

ROOT = Path(__file__).parents[2]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'; font-src 'self'"
)
STATIC = {
    "iam_portal": ROOT / "static/iam_portal",
    "vendor/tabler": ROOT / "node_modules/@tabler/core/dist/css",
    "vendor/htmx": ROOT / "node_modules/htmx.org/dist",
}
WANTED = {"tabler.min.css", "htmx.min.js"}


def configure() -> None:
    """Just enough Django to draw templates."""
    settings.configure(
        DEBUG=True,
        USE_TZ=True,
        TIME_ZONE="Europe/Berlin",
        STATIC_URL="/static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [ROOT / "templates"],
                "OPTIONS": {"libraries": {"portal": "iam_portal.templatetags.portal"}},
            }
        ],
        INSTALLED_APPS=["django.contrib.staticfiles"],
    )
    django.setup()


class ContractForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Name", help_text="Shown to the partner.")
    key = forms.SlugField(label="Application id", help_text="Cannot be changed later.")
    partner = forms.ChoiceField(
        label="Partner", choices=[("", "Choose a partner"), ("acme", "Acme Robotics")]
    )
    note = forms.CharField(
        label="Note", required=False, widget=forms.Textarea({"rows": 3}), help_text="Both sides can read it."
    )
    starts_at = forms.DateTimeField(
        label="Starts", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    roles = forms.MultipleChoiceField(
        label="Roles",
        choices=[("reader", "Reader"), ("planner", "Planner"), ("admin", "Administrator")],
        widget=forms.CheckboxSelectMultiple,
        help_text="What the partner may hand out.",
    )
    onward = forms.BooleanField(
        label="The partner may give access to others",
        required=False,
        help_text="By access contracts of its own.",
    )


class SignInForm(forms.Form):
    """The fields of the sign-in page."""

    username = forms.CharField(
        label="User name or e-mail address", widget=forms.TextInput({"autocomplete": "username"})
    )
    password = forms.CharField(
        label="Password", widget=forms.PasswordInput({"autocomplete": "current-password"})
    )


class PauseForm(forms.Form):
    """What a pause asks for."""

    why = forms.CharField(label="Reason", required=False, help_text="Acme Robotics sees it.")


def pages(now: datetime) -> dict[str, tuple[str, dict[str, Any]]]:
    """File name → (template, context)."""
    shell = samples.shell(now)
    bad = ContractForm({"name": "Planning", "key": "two words", "roles": ["reader"]}, auto_id="bad_%s")
    bad.add_error(None, "The partnership with Acme Robotics ends before the contract would begin.")
    library = {
        **shell,
        **lists.library(now),
        "form": ContractForm(initial={"starts_at": now}),
        "bad": bad,
        "messages": [
            Message(levels.SUCCESS, "Contract paused. 14 people and 2 services lost access."),
            Message(levels.WARNING, "The signing key changes in 3 days."),
            Message(levels.ERROR, "The partner answered too late; nothing was changed."),
        ],
    }
    sign_in = {"heading": "Sign in", "organization": {"name": "Northwind Logistics"}, "form": SignInForm()}
    sign_in["lead"] = "to continue to Fleet Planner"
    confirm = {**shell, **lists.confirm(now), "form": PauseForm()}
    return {
        "overview.html": ("overview.html", {**shell, **samples.overview(now)}),
        "contract.html": ("contract.html", {**shell, **samples.contract(now)}),
        "applications.html": ("applications.html", {**shell, **lists.applications(now)}),
        "empty.html": ("empty.html", {**shell, **lists.empty()}),
        "library.html": ("library.html", library),
        "pause.html": ("iam_portal/confirm.html", confirm),
        "signin.html": ("signin.html", sign_in),
        "404.html": ("iam_portal/error.html", {"status": 404}),
        "403.html": ("iam_portal/error.html", {"status": 403, "decision": samples.refusal(now)}),
        "500.html": ("iam_portal/error.html", {"status": 500, "request_id": "01k7wq3v9n"}),
    }


def write(folder: Path) -> None:
    """All pages and the static files that they name."""
    settings.TEMPLATES[0]["DIRS"].append(Path(__file__).parent / "ui_pages")
    for name, (template, context) in pages(datetime.now(UTC).replace(microsecond=0)).items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(render_to_string(template, context))
    for prefix, source in STATIC.items():
        target = folder / "static" / prefix
        target.mkdir(parents=True, exist_ok=True)
        for file in source.iterdir():
            if file.name in WANTED or prefix == "iam_portal":
                shutil.copy(file, target / file.name)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files with the site's content security policy."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--serve", type=int, metavar="PORT")
    options = parser.parse_args()
    configure()
    write(options.folder)
    if options.serve:
        handler = functools.partial(Handler, directory=str(options.folder))
        http.server.ThreadingHTTPServer(("127.0.0.1", options.serve), handler).serve_forever()


if __name__ == "__main__":
    main()
