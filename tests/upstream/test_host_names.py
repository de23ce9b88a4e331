"""Upstreams that are given by name."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kubedns_py.upstream import host_names
from kubedns_py.upstream.host_names import HostNames
from tests.helpers.waiting import until


class Resolver:
    """Says what it is told to; a name that it does not know has no address."""

    def __init__(self, **addresses: tuple[str, ...]) -> None:
        self.addresses = addresses
        self.asked: list[str] = []
        self.silent = False

    async def __call__(self, name: str) -> tuple[str, ...]:
        """Answer."""
        self.asked.append(name)
        if self.silent:
            await asyncio.Event().wait()
        if name not in self.addresses:
            raise OSError(f"{name} is unknown")
        return self.addresses[name]


@asynccontextmanager
async def running(resolver: Resolver, changes: list[int]) -> AsyncIterator[HostNames]:
    """Look names up in the background."""
    names = HostNames(resolver, on_change=lambda: changes.append(1))
    task = asyncio.create_task(names.run())
    try:
        yield names
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_name_is_looked_up_as_soon_as_it_is_used() -> None:
    """FWD-2: a stub domain's server may be given by name."""
    changes: list[int] = []
    async with running(Resolver(ns=("10.0.0.1", "10.0.0.2")), changes) as names:
        names.use(["ns"])
        await until(lambda: bool(changes))

        assert names.addresses("ns") == ("10.0.0.1", "10.0.0.2")
        assert names.addresses("other") == ()


async def test_it_is_looked_up_again_and_a_change_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The issue: host names for stub domains (re-resolved); kube-dns resolved them once."""
    monkeypatch.setattr(host_names, "PERIOD_S", 0.001)
    changes: list[int] = []
    resolver = Resolver(ns=("10.0.0.1",))
    async with running(resolver, changes) as names:
        names.use(["ns"])
        await until(lambda: len(resolver.asked) > 3)
        assert len(changes) == 1
        resolver.addresses["ns"] = ("10.0.0.9",)
        await until(lambda: len(changes) == 2)

        assert names.addresses("ns") == ("10.0.0.9",)


async def test_a_failure_keeps_what_was_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost by a look-up that fails."""
    monkeypatch.setattr(host_names, "PERIOD_S", 0.001)
    monkeypatch.setattr(host_names, "RETRY_S", 0.001)
    changes: list[int] = []
    resolver = Resolver(ns=("10.0.0.1",))
    async with running(resolver, changes) as names:
        names.use(["ns"])
        await until(lambda: bool(changes))
        resolver.addresses.clear()
        await until(lambda: len(resolver.asked) > 5)

        assert names.addresses("ns") == ("10.0.0.1",)
        assert len(changes) == 1


async def test_an_unknown_name_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stub domain has nobody to ask until then."""
    monkeypatch.setattr(host_names, "RETRY_S", 0.001)
    changes: list[int] = []
    resolver = Resolver()
    async with running(resolver, changes) as names:
        names.use(["ns"])
        await until(lambda: len(resolver.asked) > 2)
        resolver.addresses["ns"] = ("10.0.0.1",)
        await until(lambda: bool(changes))

        assert names.addresses("ns") == ("10.0.0.1",)


async def test_a_look_up_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wait for the network has a deadline (reliability 4.5)."""
    monkeypatch.setattr(host_names, "DEADLINE_S", 0.01)
    monkeypatch.setattr(host_names, "RETRY_S", 0.001)
    resolver = Resolver()
    resolver.silent = True
    async with running(resolver, []) as names:
        names.use(["ns"])
        await until(lambda: len(resolver.asked) > 1)


async def test_names_that_are_not_used_any_more_are_forgotten() -> None:
    """A changed ConfigMap."""
    changes: list[int] = []
    async with running(Resolver(a=("10.0.0.1",), b=("10.0.0.2",)), changes) as names:
        names.use(["a"])
        await until(lambda: bool(changes))
        names.use(["b"])
        await until(lambda: len(changes) == 2)

        assert names.addresses("a") == ()
        assert names.addresses("b") == ("10.0.0.2",)
