"""Paging by cursor: the sort key of the last row shown, in both directions."""

SIZE = 25
