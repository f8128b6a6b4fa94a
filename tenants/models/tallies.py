"""What is counted against a limit by all processes together."""

from django.db import models


class Tally(models.Model):
    """How often something happened since a moment. It belongs to no tenant: maybe there is nobody.

    ``slot`` is a part of a keyed digest of what is counted, so there are never more rows than slots, however
    many names somebody makes up; two that share one by chance are counted together.
    """

    slot = models.BigIntegerField(primary_key=True)
    began_at = models.DateTimeField()
    number = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["began_at"], name="tally_by_age")]

    def __str__(self) -> str:
        return f"{self.number} since {self.began_at}"
