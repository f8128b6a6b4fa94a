"""The broker gone: what is decided needs none, and what waits is made up for."""

from pathlib import Path

import pytest

from tests.drills import faults
from tests.drills.carrying_out import SHORT, Drills
from tests.drills.servers import Broker, RabbitMQ
from tests.support.absence import lacking

pytestmark = pytest.mark.drill
LASTS = 20.0 if SHORT else 600.0


def test_valkey_gone(drills: Drills) -> None:
    _gone(drills, drills.portal.valkey)


def test_rabbitmq_gone(drills: Drills, tmp_path: Path) -> None:
    if not RabbitMQ.installed():
        lacking("RabbitMQ is not installed (Debian: rabbitmq-server)")
    with RabbitMQ(tmp_path / "rabbitmq.log") as broker, drills.portal.by_broker(broker):
        _gone(drills, broker)


def _gone(drills: Drills, broker: Broker) -> None:
    """Nobody who asks notices: only deliveries and counts wait."""
    fault = f"{broker.name} gone for {LASTS:.0f} s, with what was queued"
    row = drills.carry_out(fault, lambda load: faults.take_broker(broker, LASTS))
    assert row.errors == 0
