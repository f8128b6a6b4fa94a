"""Traces of changes, by which a process learns within a request whether what it remembers still holds."""

import hashlib

from django.db import models

LOST = "*"  # the key of a change whose row no longer said whose it is: everything rests on it


class FactChange(models.Model):
    """One change of the facts that stand under a key. Written by triggers, never changed.

    The version of a set of keys is what their rows are together (how many, and all nonces in one XOR) in the
    reader's own snapshot. Writers insert and nothing else, so they never wait for each other here; a nonce is
    never there twice, so no version comes again. ``until`` is set where the row is of no use any more then.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.BigIntegerField()
    nonce = models.BigIntegerField()
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["key", "nonce"], name="factchange_by_key"),
            models.Index(
                fields=["until"], condition=models.Q(until__isnull=False), name="factchange_passing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.nonce}"


def number(key: str) -> int:
    """A key as traces have it: half of a digest. Two that are alike cost a look, and nothing else."""
    half = hashlib.md5(key.encode(), usedforsecurity=False).digest()[:8]
    return int.from_bytes(half, "big", signed=True)
