"""Signals to the apps above. Sent synchronously inside the transaction: a receiver's refusal rolls back."""

from django.dispatch import Signal

# pairs: list of (tenant_id, application_id) whose availability changed; at
availability_changed = Signal()
# contract, by, at; required: the ticks (``actions.requirements.Tick``) that are to be given with it
contract_accepted = Signal()
# Asked by pages: what has an upper app to show? A receiver answers with a panel {"template", …}, or None.
# ``acceptance_shown``: inside the form that accepts ``contract`` (page, tenant, at, ticked: what was sent);
# ``application_shown``: on the page of ``application`` (page, tenant, at)
acceptance_shown = Signal()
application_shown = Signal()
# Asked by the first page (page, tenant, at; ``user`` who is signed in): ``tasks_asked`` is answered with what
# waits for this person, as fields of ``views._task.Task``; ``overview_shown`` with a panel of his own things,
# for which ``shared`` answers with facts of sharing for ids of applications.
tasks_asked = Signal()
overview_shown = Signal()
# asks: may this actor make a credential with which he could act as the application?
# kwargs: actor, application, at
principal_becoming = Signal()
# application roles that ended; at
roles_ended = Signal()
# resources that ended; resource_ids, at
resources_ended = Signal()
# resources that offer less than before; resource_ids, at
resources_narrowed = Signal()
# what a manifest gave new ids, before the former ones end: application, pairs (former row, its heir), by, at
resources_superseded = Signal()
roles_superseded = Signal()
# asks, before an act that takes something away (act, scope: applications.impact_scope.Scope): a receiver that
# knows principals takes its first look, and answers with a function that takes the second, afterwards
impact_asked = Signal()

# asks: what is the application of a stream told of events, where they concern it now? kwargs: webhook, events
# (a verification is of nobody's stream), at. The one receiver answers with a writer, which makes of each of
# them a signed security event token, or None.
signals_asked = Signal()

# asks: who may act on contracts there now? kwargs: tenant_ids, resources (of the portal), at. A receiver
# answers with (tenant_id, resource, name, address, language) of each person.
managers_asked = Signal()
