"""What is said to the broker of counts, and what it does with their message when a worker fails."""

from datetime import timedelta
from unittest import mock

import pytest
from django.db import InterfaceError, OperationalError

from applications.actions import counting
from applications.jobs import count_usage
from applications.usage import Batch
from applications.usage import buffer as module


def test_a_batch_names_itself_to_the_broker() -> None:
    with mock.patch.object(module.current_app, "send_task") as sent:
        module._send(Batch("b1", [["a line"]]))
    assert sent.call_args.kwargs["task_id"] == "b1"


@pytest.mark.parametrize("fault", [OperationalError, InterfaceError])
def test_a_worker_without_its_database_asks_again(fault: type[Exception]) -> None:
    """Else the message would be confirmed, and its counts lost."""
    with mock.patch.object(counting, "count", side_effect=[fault, fault, 1]) as count:
        assert count_usage.apply(args=([],), task_id="b1").successful()
    assert [call.kwargs["batch"] for call in count.call_args_list] == ["b1"] * 3
    longest = count_usage.max_retries * count_usage.retry_backoff_max
    assert timedelta(seconds=longest) < counting.COMES_AGAIN


def test_the_message_of_a_process_that_was_killed_goes_back() -> None:
    assert count_usage.acks_late
    assert count_usage.reject_on_worker_lost
