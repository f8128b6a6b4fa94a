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

# asks: who may act on contracts there now? kwargs: tenant_ids, resources (of the portal), at. A receiver
# answers with (tenant_id, resource, name, address) of each person.
managers_asked = Signal()
