"""That this process is there and how many wait at it: a row that the platform's operator sees."""

import asyncio
import uuid

import structlog
from django.db import Error, connection
from django.utils import timezone

from iam_portal.live.streams import Service
from tenants.actions import running

log = structlog.get_logger("iam.live")

EVERY = 20.0


class Report:
    """Written by one of the service's threads, now and then; nobody who waits waits for it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._id, self._started_at = uuid.uuid4(), timezone.now()

    async def keep(self) -> None:
        """For ever."""
        while True:
            await self._service.desk.run(self._write)
            await asyncio.sleep(EVERY)

    async def end(self) -> None:
        """This process is no longer there."""
        await self._service.desk.run(self._erase)

    def _write(self) -> None:
        waiting = self._service.waiting
        try:
            running.serving(
                service_id=self._id, started_at=self._started_at, waiting=waiting, at=timezone.now()
            )
        except Error as fault:
            log.warning("live.not_reported", error=type(fault).__name__)
        finally:
            connection.close()

    def _erase(self) -> None:
        try:
            running.served(service_id=self._id)
        except Error as fault:
            log.warning("live.not_reported", error=type(fault).__name__)
        finally:
            connection.close()
