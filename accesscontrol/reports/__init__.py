"""What a reviewer or an auditor wants as a table: its columns, what it asks, and its rows, batch by batch."""

from collections.abc import Iterator
from itertools import chain

from accesscontrol.reports.accounts import IDLE
from accesscontrol.reports.administrators import ADMINISTRATORS
from accesscontrol.reports.contracts import IN_FORCE, UNUSED
from accesscontrol.reports.credentials import CREDENTIALS
from accesscontrol.reports.shapes import Given, Report, Row

REPORTS = {report.key: report for report in (ADMINISTRATORS, IDLE, CREDENTIALS, IN_FORCE, UNUSED)}

__all__ = ["REPORTS", "Given", "Report", "Row", "rows_of"]


def rows_of(report: Report, given: Given) -> Iterator[Row]:
    """Every row, in constant memory; each batch is read in a transaction of its own."""
    return chain.from_iterable(report.batches(given))
