"""Each column that a person's name is copied to: what puts the name out when he is deleted."""

import re

from django.apps import apps
from django.db.models import CharField, TextField

from iam_portal.launchers.portal import ROOT

DELETION = "tenants/actions/deletion.py"
PROOFS = "applications/actions/erasing.py"
ROLES = "accesscontrol/actions/leaving.py"
IN_THE_DATABASE = "tenants/migrations/0004_deleted_people.py"
ERASED_IN = {
    "tenants.User.username": DELETION,
    "tenants.User.display_name": DELETION,
    "tenants.TenantSuspension.by_name": DELETION,
    "tenants.Partnership.invited_by": DELETION,
    "tenants.Partnership.redeemed_by": DELETION,
    "tenants.HistoryPerson.actor_name": IN_THE_DATABASE,
    "tenants.HistoryPerson.subject_name": IN_THE_DATABASE,
    "applications.ApplicationSuspension.by_name": PROOFS,
    "applications.ContractPause.by_name": PROOFS,
    "applications.Contract.ended_by": PROOFS,
    "applications.Amendment.proposed_by": PROOFS,
    "applications.Amendment.answered_by": PROOFS,
    "applications.ClientSecret.created_by": PROOFS,
    "applications.ClientKey.created_by": PROOFS,
    "applications.ClientCertificate.created_by": PROOFS,
    "applications.TrustedIssuer.created_by": PROOFS,
    "applications.Webhook.created_by": PROOFS,
    "accesscontrol.Assignment.by_name": ROLES,
    "accesscontrol.Assignment.ended_by": ROLES,
}
NOT_OF_PEOPLE = {
    "applications.Application.display_name": "the application's own",
}
NAMES = re.compile(r"(^|_)by$|name$|^actor")


def test_each_copied_name_is_put_out_somewhere() -> None:
    columns = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in ("tenants", "applications", "accesscontrol") and model._meta.managed
        for field in model._meta.local_fields
        if isinstance(field, CharField | TextField) and NAMES.search(field.name) and field.name != "name"
    }
    assert columns == ERASED_IN.keys() | NOT_OF_PEOPLE.keys()
    for column, place in ERASED_IN.items():
        _, model, field = column.split(".")
        text = (ROOT / place).read_text()
        assert field in text
        assert model in text or model.lower() in text
