"""One worker's process and line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

import pytest

from kubedns_py.server import hired
from kubedns_py.server.channel import Entered, HandedOver, Said, encoded, open_line, packets
from kubedns_py.server.hired import Hired
from kubedns_py.server.listen import open_listeners
from tests.helpers.dnsclient import UdpClient, a_query, ident_of
from tests.helpers.entries import content
from tests.helpers.waiting import until

KEY = a_query()[2:]


async def test_a_worker_is_told_heard_and_its_end_is_known() -> None:
    """A process from its start to its end."""
    listeners = open_listeners(("127.0.0.1",), 0)
    worker = Hired(1, listeners.udp)
    heard: list[object] = []
    told = [encoded(Entered(1, KEY, content(b"first")))]
    run = asyncio.create_task(worker.run(lambda: told, lambda each: heard.extend(each.hear())))
    with UdpClient("127.0.0.1", listeners.port) as client:
        assert (await client.ask(a_query()))[2:] == b"first"
        worker.tell(encoded(Entered(2, a_query("b.test.")[2:], content(b"second"))))
        await asyncio.sleep(0)
        assert (await client.ask(a_query("b.test.")))[2:] == b"second"
        client.send(a_query("c.test.", ident=9))
        await until(lambda: any(isinstance(each, HandedOver) for each in heard))

    (handed,) = (each for each in heard if isinstance(each, HandedOver))
    assert list(map(ident_of, handed.messages)) == [9]
    os.kill(worker.pid, signal.SIGKILL)
    assert await run == "ended with -9"
    assert worker.pid == 0
    assert worker.hear() == []
    worker.tell(encoded(Entered(3, KEY, content(b"nobody hears it"))))
    worker.hang_up()
    listeners.close()


async def test_not_all_that_waits_is_heard_in_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of new names at one worker does not hold up the other ones, TCP and the cluster."""
    ours, theirs = open_line()
    told: list[Said] = [
        HandedOver(0, bytes(56), b"", [bytes([number]), b""]) for number in range(100)
    ]
    for start in range(0, len(told), 20):
        ((packet, _),) = packets(map(encoded, told[start : start + 20]))
        theirs.send(packet)
    monkeypatch.setattr(hired, "open_line", lambda: (ours, theirs))
    listeners = open_listeners(("127.0.0.1",), 0)
    worker = Hired(1, listeners.udp)
    heard: list[list[Said]] = []
    run = asyncio.create_task(worker.run(list, lambda each: heard.append(each.hear())))
    await until(lambda: sum(map(len, heard)) >= len(told))

    assert [len(each) for each in heard[:2]] == [40, 40]  # of two datagrams each
    assert [said for each in heard for said in each][: len(told)] == told
    worker.hang_up()
    await run
    listeners.close()


async def test_what_it_said_before_its_end_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses that are counted, and datagrams that wait for an answer, though we were busy then."""
    ours, theirs = open_line()
    line = theirs.dup()
    monkeypatch.setattr(hired, "open_line", lambda: (ours, theirs))
    listeners = open_listeners(("127.0.0.1",), 0)
    worker = Hired(1, listeners.udp)
    heard: list[Said] = []
    run = asyncio.create_task(worker.run(list, lambda each: heard.extend(each.hear())))
    await until(lambda: worker.is_there)
    with line:
        told: list[Said] = [HandedOver(0, bytes(56), b"", [b"%d" % n]) for n in range(3_000)]
        for start in range(0, len(told), 20):
            ((packet, _),) = packets(map(encoded, told[start : start + 20]))
            line.send(packet)
    os.kill(worker.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):  # whoever waits for it was sooner
        os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - we are busy

    assert await run == "ended with -9"
    assert [each for each in heard if isinstance(each, HandedOver)] == told
    listeners.close()


async def test_a_worker_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes datagrams and answers none; nothing but force ends it."""
    monkeypatch.setattr(hired, "SILENT_S", 1)
    listeners = open_listeners(("127.0.0.1",), 0)
    worker = Hired(1, listeners.udp)
    heard: list[object] = []
    run = asyncio.create_task(worker.run(list, lambda each: heard.extend(each.hear())))
    await until(lambda: bool(worker.pid))
    pid = worker.pid
    os.kill(pid, signal.SIGSTOP)

    assert await asyncio.wait_for(run, 15) == "said nothing for 1 s"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    listeners.close()


async def test_one_that_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory, no processes left: whoever keeps it tries again."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    listeners = open_listeners(("127.0.0.1",), 0)
    worker = Hired(1, listeners.udp)

    with pytest.raises(OSError, match="No such file"):
        await worker.run(list, lambda _: None)
    listeners.close()
