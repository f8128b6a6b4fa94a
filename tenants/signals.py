"""What happens here that upper apps act on, and what is asked of them. Sent inside the transaction.

Receivers run synchronously by ``send()``: a refusal that one raises rolls the whole change back.
"""

from django.dispatch import Signal

# Told. Keywords ``tenant``, ``by``, ``at``.
tenant_created = Signal()
tenant_suspended = Signal()
tenant_resumed = Signal()

# Told. Keywords ``tenant`` (new), ``user`` (its first person, invited), ``by``, ``at``.
tenant_founded = Signal()

# Told. Keywords ``partnership`` (both sides known), ``by``, ``at``.
partnership_ended = Signal()
# Told of every step. Keywords ``partnership``, ``verb`` (invited, redeemed, confirmed, …), ``at``.
partnership_moved = Signal()
# Told. Keywords ``partnership``, ``tenant`` (whose own affair it is), ``contract_types``, ``at``.
auto_accept_changed = Signal()

# Told. Keywords ``tenant``, ``user``, ``by``, ``at``; his sessions are ended already.
user_deactivated = Signal()
password_set = Signal()
user_reactivated = Signal()
# Told. The same keywords; he still has his name, and neither session nor membership any more.
user_deleted = Signal()
# Told, when some or all sessions of a person ended. Keywords ``tenant_id``, ``user_id``, ``by``, ``at``: the
# ``ended_at`` of their rows.
sessions_ended = Signal()

# Told, when an identity provider vouches no more, for one person (``user_id``) or for anybody (None); the
# sessions that began by it have ended. Keywords ``tenant_id``, ``provider_id``, ``user_id``, ``by``, ``at``.
provider_parted = Signal()

# Told, when somebody else took all second factors from a person. Keywords ``tenant``, ``user``, ``by``,
# ``at``.
factors_reset = Signal()

# Told. Keywords ``user``, ``credential`` (passkey, app), ``change`` (create, delete), ``by``, ``at``.
# Of a password, ``password_set`` tells.
credential_changed = Signal()

# Told, when nothing may name a deleted person any more. Keywords ``tenant``, ``user`` (as he was), ``names``
# that he had and nobody else here has, and ``pseudonym``, which takes their place.
person_erased = Signal()

# Asked: what does an upper app keep about this person? A receiver answers with what it adds to his copy:
# members of JSON, without secrets. Keywords ``tenant``, ``user``.
person_exported = Signal()

# Told. Keywords ``tenant``, ``group``, ``by``, ``at``; its memberships are closed already.
group_deleted = Signal()

# Told. Keywords ``tenant``, ``group``, ``user``, ``by``, ``at``; the membership is closed already.
membership_removed = Signal()
membership_added = Signal()  # from its beginning on, which may lie ahead
# Told, of many who came into a group or went out of it by one act. Keywords ``tenant``, ``group``, ``users``,
# ``by``, ``at``; neither of the two above is sent beside it.
roster_changed = Signal()

# Told. Keywords ``tenant``, ``group``, ``by``, ``at``; the group stands in its new place already.
group_moved = Signal()

# Asked: may this actor do what would let him act as this user (password link, another mailbox), or what
# gives an inactive user back all that he still holds (reactivation; asked before it happens), or takes all
# of it from him for good (deletion)?
# Keywords ``actor``, ``tenant``, ``user``, ``at``. A receiver that objects raises ``Forbidden``.
principal_becoming = Signal()

# Asked: may this actor change how a provider proves itself, or what its word counts for? By it he could come
# in as everybody who is linked to it. Keywords ``actor``, ``tenant``, ``provider``, ``at``.
provider_trusting = Signal()

# Asked: may this actor let users gain, or lose, what a group holds? Whoever may not give it may not take it.
# Keywords ``actor``, ``tenant``, ``users``, ``group``, ``parent``, ``at``; asked while the old state stands.
# A membership: ``users`` would gain or lose what ``group`` and those above it hold; ``parent`` is None.
# A place: ``group`` and all below it would gain or lose what ``parent`` and above hold; ``users`` is empty.
# A group's end: everybody in it would lose what it and those above hold; ``users`` is empty, ``parent`` None.
membership_changing = Signal()

# Asked: what has an upper app to show on the page of a user or of a group? A receiver answers with a panel,
# {"template", "title", "names": [str], …}, or with None. Keywords ``page`` (``can``, ``url``), ``tenant``,
# ``at``, and ``user`` or ``group``; ``acting`` is False where nothing is done from the page.
user_shown = Signal()
group_shown = Signal()
# Asked: the same for the page of settings, one card for each matter (``tenants.views.settings_cards``).
settings_shown = Signal()

# Asked, before an act that takes people out of what they hold (keywords ``tenant``, held, and ``at``): a
# receiver that guards something takes its first look, and answers with a function that looks again afterwards
# and may refuse. ``going``: the id of whose end is only foreseen. He is there still, and is looked away from.
people_leaving = Signal()

# Asked: what has an upper app to show on the page of a partner? Answered as ``user_shown`` is.
# Keywords ``page``, ``tenant``, ``partner`` (the other tenant), ``at``.
partner_shown = Signal()

# Asked, before an act that takes something away (keyword ``act``, a ``tenants.impact.Act``): a receiver that
# knows what it can move takes its first look, and answers with a function that takes the second, afterwards.
act_weighed = Signal()

# Asked, at sign-in: which roles does the person hold now that ask for a second factor, by the choice of his
# tenant? A receiver answers with their names. Keywords ``tenant``, ``user``, ``at``.
second_factor_asked = Signal()
