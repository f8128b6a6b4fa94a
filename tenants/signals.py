"""What happens here that upper apps act on, and what is asked of them. Sent inside the transaction.

Receivers run synchronously by ``send()``: a refusal that one raises rolls the whole change back.
"""

from django.dispatch import Signal

# Told. Keywords ``tenant``, ``by``, ``at``.
tenant_created = Signal()
tenant_suspended = Signal()
tenant_resumed = Signal()

# Told. Keywords ``partnership`` (both sides known), ``by``, ``at``.
partnership_ended = Signal()

# Told. Keywords ``tenant``, ``user``, ``by``, ``at``.
user_deactivated = Signal()

# Told. Keywords ``tenant``, ``group``, ``by``, ``at``; its memberships are closed already.
group_deleted = Signal()

# Asked: may this actor do what would let him act as this user (password link, another mailbox)?
# Keywords ``actor``, ``tenant``, ``user``, ``at``. A receiver that objects raises ``Forbidden``.
principal_becoming = Signal()

# Asked: may this actor let users gain what a group holds?
# Keywords ``actor``, ``tenant``, ``users``, ``group``, ``parent``, ``at``.
# A membership: ``users`` would gain what ``group`` and the groups above it hold; ``parent`` is None.
# A move: ``group`` and all below it would gain what ``parent`` and above hold; ``users`` is empty.
membership_changing = Signal()

# Asked: what has an upper app to show on the page of a user or of a group? A receiver answers with a panel,
# {"template", "title", "names": [str], …}, or with None. Keywords ``page`` (``can``, ``url``), ``tenant``,
# ``at``, and ``user`` or ``group``; ``acting`` is False where nothing is done from the page.
user_shown = Signal()
group_shown = Signal()

# Asked: what ends together with this partnership? A receiver answers with [{"text", "url"}].
# Keywords ``page``, ``tenant``, ``at``, ``partnership``.
partnership_ending = Signal()
