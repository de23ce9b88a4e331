"""Asks by way of ``Exchanges``, and hears the end of it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import resource
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import IN, A
from kubedns_py.upstream.exchange import Exchange, Exchanges, Failure
from kubedns_py.upstream.stream import StreamLimits
from kubedns_py.upstream.streams import Streams
from tests.helpers.fake_upstream import FakeUpstream
from tests.helpers.waiting import until

ADDRESS = "192.0.2.1"
GOOD = f"@ 60 IN A {ADDRESS}"
"""The record that a good upstream answers with."""


def an_ask(name: str = "www.example.test.", qtype: int = A, **bits: bool) -> Ask:
    """Return a question; ``do`` and ``cd`` are its bits."""
    return Ask(from_text(name), qtype, IN, **bits)


WWW = an_ask()


def descriptors() -> set[str]:
    """Return the numbers of the descriptors that are open."""
    found = list(Path("/proc/self/fd").iterdir())
    # the one that listed them is among them, and gone
    return {path.name for path in found if path.is_symlink()}


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Asking:
    """One exchange and what was heard of it."""

    def __init__(
        self, exchanges: Exchanges, server: Nameserver, ask: Ask = WWW, *, edns: bool = True
    ) -> None:
        self.outcomes: list[Response | Failure] = []
        self.exchange: Exchange = exchanges.begin(server, ask, self._hear, edns=edns)
        assert self.outcomes == [], "done was called before begin returned"

    @property
    def has_ended(self) -> bool:
        """Whether ``done`` has been called."""
        return bool(self.outcomes)

    async def outcome(self) -> Response | Failure:
        """Wait for the end; it comes once."""
        await until(lambda: bool(self.outcomes))
        await asyncio.sleep(0)
        (outcome,) = self.outcomes
        return outcome

    async def addresses(self) -> list[str]:
        """Wait for a response; return the addresses of its answer section."""
        outcome = await self.outcome()
        assert isinstance(outcome, Response), outcome
        rdatas = [rdata for rrset in outcome.answer for rdata in rrset.rdatas]
        return [str(ipaddress.ip_address(rdata)) for rdata in rdatas]

    def _hear(self, outcome: Response | Failure) -> None:
        self.outcomes.append(outcome)


@contextlib.contextmanager
def nothing_raised() -> Iterator[None]:
    """See that nothing which the event loop calls raises."""
    raised: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: raised.append(context))
    yield
    loop.set_exception_handler(None)
    assert raised == []


@contextlib.asynccontextmanager
async def streams(
    *, tls: ssl.SSLContext | None = None, limits: StreamLimits | None = None
) -> AsyncIterator[Streams]:
    """Yield the exchanges; no descriptor and no task is left of them."""
    before = len(descriptors())
    made = Streams(tls=tls, limits=limits)
    with nothing_raised():
        try:
            yield made
        finally:
            await made.aclose()
    await until(lambda: len(descriptors()) <= before)  # the other end closes too, in its time
    assert "_Pool" not in str(asyncio.all_tasks())


def counted(exchanges: Streams) -> dict[str, int]:
    """Return the counts that are not zero."""
    return {word: count for word, count in exchanges.counts.items() if count}


async def ask(exchanges: Exchanges, up: FakeUpstream, name: str = "www.example.test.") -> list[str]:
    """Ask one question and return the addresses of the answer."""
    return await Asking(exchanges, up.nameserver, an_ask(name)).addresses()
