"""What a contract's form would save, for the last step."""

from typing import Any

from django.utils.translation import gettext as _

from applications.models import ContractType
from applications.views._standing import type_words
from applications.views._wizard import Wizard


def summary(wizard: Wizard) -> dict[str, Any]:
    """What will be saved, by step."""
    _wrong, bound = wizard.checked()
    terms = bound["terms"].cleaned_data
    partner: Any = bound["partner"]
    chosen = set(bound["roles"].cleaned_data.get("roles", ()))
    applications = [
        {
            "name": item.name,
            "roles": [role for role in item.roles if f"{item.application_id}/{role[0]}" in chosen],
        }
        for item in wizard.offers.offered
    ]

    def moment(name: str, label: str, otherwise: str) -> dict[str, Any]:
        return {"label": label, "at": terms[name]} if terms.get(name) else {"label": label, "text": otherwise}

    facts = [
        moment("starts_at", _("Starts"), _("when it is accepted")),
        moment("ends_at", _("Ends"), _("no end")),
        moment("answer_by", _("Answer by"), _("no limit")),
    ]
    if wizard.type == ContractType.PROVISION:
        onward = _("the partner may open it to others") if terms.get("onward_access") else _("not allowed")
        facts.append({"label": _("Onward access"), "text": onward})
    if terms.get("note"):
        facts.append({"label": _("Note"), "text": terms["note"]})
    return {
        "who": [
            {"label": _("Partner"), "text": partner.name()},
            {"label": _("Type"), "text": type_words(wizard.type)},
        ],
        "applications": [item for item in applications if item["roles"]],
        "facts": facts,
    }
