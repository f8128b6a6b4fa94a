"""The steps of registering an application. Everything typed travels in the form itself: nothing is lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from applications.forms import KindForm, RegisterForm, SecretForm
from applications.views import snippets
from applications.views._client_forms import NewPublicForm, WebClientForm
from applications.views._proof_forms import CertificateForm, IssuerForm, KeyForm, Upload

STEPS: dict[str, str | Promise] = {
    "details": _("Details"),
    "kind": _("Kind"),
    "sign-in": _("Sign-in"),
    "credentials": _("Credentials"),
}
FORMS: dict[str, type[forms.Form]] = {
    snippets.SECRET: SecretForm,
    snippets.KEY: KeyForm,
    snippets.CERTIFICATE: CertificateForm,
    snippets.ISSUER: IssuerForm,
    snippets.WEB: WebClientForm,
    snippets.PUBLIC: NewPublicForm,
}


@dataclass(frozen=True, slots=True)
class Founding:
    """What was typed so far, and the forms over it."""

    data: QueryDict
    files: MultiValueDict[str, Any]

    @property
    def kind(self) -> str:
        """What kind of client it shall have first; empty as long as nobody said."""
        chosen = self.data.get("kind", "")
        return chosen if chosen in FORMS else ""

    @property
    def steps(self) -> list[str]:
        """Without a client, there is nothing to ask about it."""
        return ["details", "kind", "sign-in"] if self.kind else ["details", "kind"]

    def form(self, step: str, *, bound: bool = False) -> Any:
        """The form of a step: checked when ``bound``, else only filled with what was typed before."""
        made = {"details": RegisterForm, "kind": KindForm}.get(step) or FORMS[self.kind]
        if not bound:
            return made(initial={name: self.data[name] for name in made.base_fields if name in self.data})
        return made(self.data, self.files) if issubclass(made, Upload) else made(self.data)

    def checked(self) -> tuple[str | None, dict[str, Any]]:
        """Every form bound, and the first step with an error. Where nobody asked for a kind, none is made."""
        asked = self.steps if self.data.get("kind") else ["details"]
        bound = {step: self.form(step, bound=True) for step in asked}
        return next((step for step, form in bound.items() if not form.is_valid()), None), bound

    def hidden(self, step: str) -> list[tuple[str, str]]:
        """The input of all other steps. What cannot be used is dropped: it may hold a private key."""
        here = set(self.form(step).fields) if step in self.steps else set()
        every: list[type[forms.Form]] = [RegisterForm, KindForm, *FORMS.values()]
        known = {name for made in every for name in made.base_fields}
        lost = self._unusable() if step != "sign-in" else set()
        return [
            (name, value)
            for name in self.data
            if name in known - here - lost
            for value in self.data.getlist(name)
        ]

    def _unusable(self) -> set[str]:
        if not self.kind or not issubclass(FORMS[self.kind], Upload):
            return set()
        form = self.form("sign-in", bound=True)
        form.is_valid()
        return {name for name in ("key", "pem", "jwks") if name in form.errors}

    def trail(self, step: str) -> list[dict[str, Any]]:
        """The steps as the page shows them."""
        names = list(STEPS)
        here = names.index(step)
        return [
            {"label": label, "current": name == step, "done": names.index(name) < here}
            for name, label in STEPS.items()
        ]

    def beside(self, step: str, distance: int) -> str:
        """The step before or after; past the last one, ``finish``."""
        index = self.steps.index(step) + distance if step in self.steps else 0
        return self.steps[max(index, 0)] if index < len(self.steps) else "finish"


def settings_of(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is set on the confidential client besides, by kind."""
    methods = {snippets.KEY: "private_key_jwt", snippets.CERTIFICATE: "self_signed_tls_client_auth"}
    if kind in methods:
        return {"authentication_method": methods[kind]}
    if kind == snippets.WEB:
        return {name: given[name] for name in ("redirect_uris", "post_logout_redirect_uris")}
    return {}
