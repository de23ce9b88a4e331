"""``python -m bench.forwarding``: where the time of one forwarded question goes, in one process.

Rules of this file:

- Every name is new, as in the scenario ``uncached`` of ``bench.forward``. The upstream is a table;
  no socket is used but in the last row, and nobody reads from that one.
- Stages are timed one by one, each with all questions, and the least of some rounds counts. Their
  sum is less than the whole: what hands over from one to the next is in none of them.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from fuzz.handler import UDP
from kubedns_py.assembly import Identity, assemble
from kubedns_py.config.arguments import load
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.chain import clean
from kubedns_py.dns.name import Name, from_text, to_wire
from kubedns_py.dns.query import Query, read_query
from kubedns_py.dns.render import Reply, Shape, render
from kubedns_py.dns.response import Response, read_response
from kubedns_py.dns.rrset import IN, A
from kubedns_py.resolver.complete import complete
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.elsewhere import Pending
from kubedns_py.server.respond import Chances
from kubedns_py.upstream.admission import Bounds
from kubedns_py.upstream.cache import Cache
from kubedns_py.upstream.datagrams import Datagrams
from kubedns_py.upstream.exchange import Done
from kubedns_py.upstream.forwarder import Forwarder
from kubedns_py.upstream.routes import Group, Routes
from kubedns_py.upstream.upstreams import Upstreams

_TIMES = 4000
_ROUNDS = 9
_CLIENT = "10.1.1.1"
_GROUP = Group(".", (Nameserver("127.0.0.1", 53),))
_CACHE_OCTETS = 64 << 20
_ENOUGH = Bounds(1 << 20)
_OPT = bytes.fromhex("00002904d0000000000000")
_RECORD = bytes.fromhex("c00c000100010000012c0004c0000201")

_Calls = Iterator[Callable[[], object]]


class _Nothing:
    """An exchange, and a timer, that nobody need end."""

    mismatches = 0

    def cancel(self) -> None:
        """Do nothing."""


class _Line:
    """``Exchanges`` and a clock: it keeps what asked last."""

    time = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.done: Done = _ignore
        self._nothing = _Nothing()

    def begin(self, _: Nameserver, ask: Ask, done: Done, *, edns: bool) -> _Nothing:
        """Write the question, and keep who waits."""
        write_ask(ask, 1, edns=edns)
        self.done = done
        return self._nothing

    def call_at(self, _: float, __: Callable[[], object], /) -> _Nothing:
        """Call nothing; likewise the next."""
        return self._nothing

    call_later = call_at


class _Case:
    """One question, as it passes from stage to stage."""

    def __init__(self, number: int, view: View) -> None:
        name = from_text(f"{time.time_ns():x}{number:x}.example.com.")
        question = to_wire(name) + struct.pack("!HH", A, IN)
        self.message = struct.pack("!HHHIH", 1, 0x0100, 1, 0, 0) + question
        said = struct.pack("!HHHHHH", 1, 0x8180, 1, 1, 0, 1) + question + _RECORD + _OPT
        self.ask = Ask(name, A, IN)
        self.sent = write_ask(self.ask, 1)
        self.said = said
        query, response = read_query(self.message), read_response(said, self.sent, self.ask)
        assert isinstance(query, Query)  # noqa: S101 - our own messages
        assert isinstance(response, Response)  # noqa: S101 - same
        cleaned = clean(response, self.ask, is_elsewhere=_nowhere)
        assert cleaned is not None  # noqa: S101 - same
        self.query: Query = query
        self.response: Response = response
        self.cleaned: Reply = cleaned
        self.found = resolve(name, A, IN, view, asked=UDP.local)


class _Setting:
    """A server without edges."""

    def __init__(self) -> None:
        self.line = _Line()
        self.cache = Cache(_CACHE_OCTETS)
        chances = Chances(time.perf_counter, count().__next__)
        config, identity = load([], {}, program="bench").config, Identity("bench", "bench")
        self.core = assemble(config, chances, identity=identity, upstreams=self._upstreams)
        self.core.commit(0.0)
        self.core.view.known = Known.ALL
        self.cases = [_Case(number, self.core.view) for number in range(_TIMES)]

    def _upstreams(self, _: View) -> Upstreams:
        line, routes = self.line, Routes(_GROUP, {})
        ways = Forwarder(line, line, clock=line, is_elsewhere=_nowhere, bounds=_ENOUGH)
        ways.replace_routes(routes)
        self.upstreams = Upstreams(self.cache, ways, routes, is_elsewhere=_nowhere, loop=line)
        return self.upstreams

    def whole(self, case: _Case) -> None:
        """Answer a question, from its octets to those of its reply."""
        pending = self.core.responder.respond(case.message, UDP)
        assert isinstance(pending, Pending)  # noqa: S101 - the name is new
        pending.begin(_CLIENT, _ignore)
        response = read_response(case.said, case.sent, case.ask)
        assert isinstance(response, Response)  # noqa: S101 - our own message
        self.line.done(response)

    def asked(self, case: _Case) -> None:
        """Ask, and take what is said, without what the server does around it."""
        self.upstreams.fetch(case.ask, _CLIENT, _ignore)
        self.line.done(case.response)


def _nowhere(_: Name, __: Name) -> bool:
    return False


def _ignore(_: object) -> None:
    """Take what nobody waits for."""


def _stages(setting: _Setting) -> dict[str, _Calls]:
    """Return the calls of each stage, one for each question."""
    cases, view, shape = setting.cases, setting.core.view, Shape()
    scratch, put, record = Cache(_CACHE_OCTETS), Cache.put, setting.core.tally.record
    facts = "udp", 1, ".", A, False, 40, 60, 0, "outside", 0.001
    return {
        "read_query": (partial(read_query, each.message) for each in cases),
        "resolve": (
            partial(resolve, each.ask.name, A, IN, view, asked=UDP.local) for each in cases
        ),
        "find": (partial(setting.upstreams.find, each.ask) for each in cases),
        "fetch to done, with the next three": (partial(setting.asked, each) for each in cases),
        "- write_ask": (partial(write_ask, each.ask, 1) for each in cases),
        "- clean": (
            partial(clean, each.response, each.ask, is_elsewhere=_nowhere) for each in cases
        ),
        "- put": (
            partial(put, scratch, each.ask, each.cleaned, 0, origin=_GROUP) for each in cases
        ),
        "read_response": (partial(read_response, each.said, each.sent, each.ask) for each in cases),
        "complete": (partial(complete, each.found, each.cleaned, view) for each in cases),
        "render": (
            partial(render, each.query, each.cleaned, 512, shape=shape, turn=1) for each in cases
        ),
        "record": (partial(record, *facts) for _ in cases),
    }


def _whole() -> float:
    setting = _Setting()
    return _timed(partial(setting.whole, each) for each in setting.cases)


async def _sockets() -> float:
    """Send in bursts to somebody who does not read, and close."""
    datagrams, seconds = Datagrams(), 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server, ask = Nameserver("127.0.0.1", silent.getsockname()[1]), Ask((b"a",), A, IN)
        for _ in range(_TIMES // 50):
            started = time.process_time()
            begun = [datagrams.begin(server, ask, _ignore, edns=True) for _ in range(50)]
            await asyncio.sleep(0)
            for each in begun:
                each.cancel()
            seconds += time.process_time() - started
    datagrams.close()
    return seconds


def _timed(calls: _Calls) -> float:
    """Return the processor time of all calls in seconds."""
    made = list(calls)
    gc.collect()
    started = time.process_time()
    for call in made:
        call()
    return time.process_time() - started


def microseconds_by_stage() -> dict[str, float]:
    """Return what each stage takes for one question."""
    least: dict[str, float] = {}
    for _ in range(_ROUNDS):
        seconds = {stage: _timed(calls) for stage, calls in _stages(_Setting()).items()}
        seconds["whole, without sockets"] = _whole()
        seconds["socket, connect, send, close"] = asyncio.run(_sockets())
        for stage, taken in seconds.items():
            microseconds = taken / _TIMES * 1e6
            least[stage] = min(microseconds, least.get(stage, microseconds))
    return least


def main() -> int:
    """Measure and print; return the exit code."""
    sys.stdout.write("| stage | µs |\n|---|---|\n")
    for stage, microseconds in microseconds_by_stage().items():
        sys.stdout.write(f"| {stage} | {microseconds:.1f} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
