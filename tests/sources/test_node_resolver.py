"""Host names as the node resolves them, and a resolver that hangs."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kubedns_py.sources.node_resolver import MOST, NodeResolver
from tests.helpers.waiting import until


class Hanging:
    """``getaddrinfo`` before a resolver that is away.

    Attributes:
        asked: the hosts that it was asked for.
        ended: how many of its calls have come back.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ended = 0
        self._back = threading.Event()

    def __call__(self, host: str, *_: Any, **__: Any) -> list[Any]:
        """Hang until the resolver is back."""
        self.asked.append(host)
        self._back.wait(10)
        self.ended += 1
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("192.0.2.7", 0))]

    def come_back(self) -> None:
        """Answer everything."""
        self._back.set()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    """Let the node's resolver be away until the test is over."""
    made = Hanging()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.come_back()


async def test_a_host_has_the_addresses_that_the_node_knows() -> None:
    """FWD-2: /etc/hosts knows this one on every node."""
    found = await NodeResolver().addresses("localhost")

    assert set(found) & {"127.0.0.1", "::1"}
    assert len(set(found)) == len(found)


async def test_a_host_that_has_no_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver's own words reach the log."""

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(OSError, match="Name or service not known"):
        await NodeResolver().addresses("none.invalid")


async def test_what_cannot_be_a_name_is_an_error_too() -> None:
    """Python's codec for host names raises something else."""
    with pytest.raises(OSError, match="label"):
        await NodeResolver().addresses("a..b")


def test_the_end_does_not_wait_for_a_resolver_that_hangs(hanging: Hanging) -> None:
    """F-42: asyncio waits for the threads of its executor before a program may end."""

    async def program() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await NodeResolver().addresses("ns.corp.example")

    asyncio.run(program())

    assert hanging.asked == ["ns.corp.example"]
    assert hanging.ended == 0
    (thread,) = [each for each in threading.enumerate() if each.name == "host name"]
    assert thread.daemon  # nor does the interpreter
    hanging.come_back()
    thread.join(10)  # it finds the event loop closed, and says nothing
    assert hanging.ended == 1


async def test_who_asks_again_waits_for_the_look_up_that_hangs(hanging: Hanging) -> None:
    """Asked anew every 5 s, a resolver that hangs would take a thread each time."""
    resolver = NodeResolver()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await resolver.addresses("ns.corp.example")
    last = asyncio.create_task(resolver.addresses("ns.corp.example"))
    await asyncio.sleep(0)
    hanging.come_back()

    assert await last == ("192.0.2.7",)
    assert hanging.asked == ["ns.corp.example"]
    assert await resolver.addresses("ns.corp.example") == ("192.0.2.7",)
    assert hanging.asked == ["ns.corp.example"] * 2


async def test_so_many_look_ups_hang_and_no_more(hanging: Hanging) -> None:
    """Everything is bounded (reliability 4.5)."""
    resolver = NodeResolver()
    hosts = [f"ns{number}.corp.example" for number in range(MOST)]
    waiting = [asyncio.create_task(resolver.addresses(host)) for host in hosts]
    await until(lambda: len(hanging.asked) == MOST)

    with pytest.raises(OSError, match="16 other look-ups have not come to an end"):
        await resolver.addresses("one.more.example")
    hanging.come_back()
    assert await asyncio.gather(*waiting) == [("192.0.2.7",)] * MOST


async def test_without_a_thread_there_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of the pod (pids): an error like others, and the next one may succeed."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = NodeResolver()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="can't start new thread"):
            await resolver.addresses("localhost")

    assert await resolver.addresses("localhost")
