"""Signals to the apps above. Sent synchronously inside the transaction: a receiver's refusal rolls back."""

from django.dispatch import Signal

# pairs: list of (tenant_id, application_id) whose availability changed; at
availability_changed = Signal()
# contract, by, at
contract_accepted = Signal()
# asks: may this actor make a credential with which he could act as the application?
# kwargs: actor, application, at
principal_becoming = Signal()
# application roles that ended; at
roles_ended = Signal()
# resources that ended; resource_ids, at
resources_ended = Signal()
# asks, before an act that takes something away (act, scope: applications.impact_scope.Scope): a receiver that
# knows principals takes its first look, and answers with a function that takes the second, afterwards
impact_asked = Signal()
