"""What was told already: boundaries of contracts, and reminders before their ends. Each once."""

from django.db import models

from applications.models.contracts import Contract


class ContractTold(models.Model):
    """A change of a contract, at a moment, whose event has been written: by the act, or by the job."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="+")
    verb = models.CharField(max_length=20)  # started, paused, resumed, amended, ended
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "verb", "at"],
                name="contracttold_once",
                violation_error_message="This was told already.",
            )
        ]
        indexes = [models.Index(fields=["at"], name="contracttold_by_age")]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.verb} {self.at}"


class ContractReminder(models.Model):
    """The mail before an end was sent. Another end is another reminder."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="+")
    ends_at = models.DateTimeField()
    days = models.PositiveSmallIntegerField()
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "ends_at", "days"],
                name="contractreminder_once",
                violation_error_message="This reminder was sent already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.contract_id}: {self.days} days before {self.ends_at}"
