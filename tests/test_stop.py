"""Signals that ask the process to leave, sent to this process."""

from __future__ import annotations

import os
import signal

import pytest

from kubedns_py.stop import Stop
from tests.helpers.waiting import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
async def test_the_first_signal_and_the_second_are_told_apart(number: signal.Signals) -> None:
    """F-42, F-43: leave; leave at once. A third one changes nothing."""
    stop = Stop()
    with stop.on_signals():
        os.kill(os.getpid(), number)
        await until(stop.first.is_set)
        assert not stop.second.is_set()

        for _ in range(2):
            os.kill(os.getpid(), number)
            await until(stop.second.is_set)


async def test_signals_are_the_system_s_again_afterwards() -> None:
    """While the edges close, a signal ends the process as it would any other."""
    with Stop().on_signals():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
