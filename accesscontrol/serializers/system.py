"""Shape of the state of the installation."""

from typing import Any

from rest_framework import serializers as rest


class SystemDatabase(rest.Serializer[Any]):
    """The server; ``clockAhead`` in seconds, against the process that answered."""

    version = rest.CharField()
    size = rest.IntegerField()
    clockAhead = rest.FloatField()
    pendingMigrations = rest.ListField(child=rest.CharField())


class SystemJob(rest.Serializer[Any]):
    """A scheduled job. ``error`` is the class of what its last failure raised."""

    task = rest.CharField()
    every = rest.IntegerField()
    state = rest.ChoiceField(choices=["on_time", "late", "failed", "new"])
    lastRunAt = rest.DateTimeField(allow_null=True)
    milliseconds = rest.IntegerField(allow_null=True)
    failures = rest.IntegerField()
    error = rest.CharField()


class SystemQueues(rest.Serializer[Any]):
    """What waits, over all organizations. ``tasks`` is null where the broker does not answer."""

    tasks = rest.IntegerField(allow_null=True)
    eventsWithoutPosition = rest.IntegerField()
    eventsWaitSince = rest.DateTimeField(allow_null=True)
    lastPosition = rest.IntegerField()
    webhooksFailing = rest.IntegerField()
    webhooksBehind = rest.IntegerField()
    webhooksPausedByPortal = rest.IntegerField()
    historyWithoutLink = rest.IntegerField()
    brokenChains = rest.IntegerField()
    eventServices = rest.IntegerField()
    waitingForEvents = rest.IntegerField()


class SystemOut(rest.Serializer[Any]):
    """``missing``: every code of ``/readyz`` that fits; ``unsafeSettings``: those of ``check --deploy``."""

    version = rest.CharField()
    environment = rest.CharField()
    ready = rest.BooleanField()
    missing = rest.ListField(child=rest.CharField())
    unsafeSettings = rest.ListField(child=rest.CharField())
    database = SystemDatabase()
    jobs = SystemJob(many=True)
    queues = SystemQueues()
