"""Shapes of the record."""

from typing import Any

from rest_framework import serializers as rest


class NamedOut(rest.Serializer[Any]):
    """Who or what: the name is that of the moment, and may have been erased since."""

    type = rest.CharField()
    id = rest.CharField()
    name = rest.CharField()


class HistoryRow(rest.Serializer[Any]):
    """One change as this tenant sees it. The address is told of its own people and services only."""

    id = rest.UUIDField()
    at = rest.DateTimeField()
    action = rest.CharField()
    actor = NamedOut()
    subject = NamedOut()
    before = rest.DictField(allow_null=True)
    after = rest.DictField(allow_null=True)
    sourceAddress = rest.CharField()
    requestId = rest.CharField()


class HistoryPage(rest.Serializer[Any]):
    """A page of the record, newest first."""

    items = HistoryRow(many=True)
    next = rest.CharField(allow_null=True)


class PlaceInChain(rest.Serializer[Any]):
    """``waiting`` for its link, ``chained``, or ``verified`` by the last walk over the chain."""

    state = rest.ChoiceField(["waiting", "chained", "verified"])
    position = rest.IntegerField(allow_null=True)
    hash = rest.CharField(allow_null=True)


class OneHistoryRow(HistoryRow):
    """A row and its place in the chain."""

    chain = PlaceInChain()


class VerificationOut(rest.Serializer[Any]):
    """The last walk. ``position`` is up to where the chain held; ``why`` and ``brokenAt`` what broke it."""

    at = rest.DateTimeField()
    whole = rest.BooleanField()
    position = rest.IntegerField()
    hash = rest.CharField()
    why = rest.CharField(allow_null=True)
    brokenAt = rest.IntegerField(allow_null=True)


class AnchorOut(rest.Serializer[Any]):
    """The newest month whose rows were dropped, and what stands for them."""

    month = rest.CharField()
    at = rest.DateTimeField()
    rows = rest.IntegerField()
    position = rest.IntegerField()
    hash = rest.CharField()


class ChainOut(rest.Serializer[Any]):
    """How long the chain is, and which rows wait for their link since when."""

    position = rest.IntegerField()
    hash = rest.CharField(allow_null=True)
    waiting = rest.IntegerField()
    waitingSince = rest.DateTimeField(allow_null=True)
    verification = VerificationOut(allow_null=True)
    anchor = AnchorOut(allow_null=True)
