"""Looking again and again: what counts as a change, and what ends a look."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kubedns_py.sources.configuration import Kept
from kubedns_py.sources.polling import Found, Polled, Unreadable, without_waiting
from tests.helpers.waiting import until


@dataclass(frozen=True)
class Text:
    """A value: one text."""

    text: str
    notices: tuple[str, ...] = ()


@dataclass
class Disk:
    """What reads find, one after the other; the last one stays. ``None`` is an accident."""

    finds: list[str | Unreadable | None]
    values: list[str] = field(default_factory=list)
    reads: int = 0

    def read(self) -> Found[str] | Unreadable:
        """Return the next find."""
        self.reads += 1
        found = self.finds.pop(0) if len(self.finds) > 1 else self.finds[0]
        if found is None:
            raise RuntimeError("an accident")
        return found if isinstance(found, Unreadable) else Found(found, f"v-{found}")

    def polled(self) -> Polled[str, Text]:
        """Return what looks at it every ten milliseconds."""
        kept = Kept(
            "--x /y", Text(""), Text, on_change=lambda value: self.values.append(value.text)
        )
        return Polled(self.read, kept, period_s=0.01)


@asynccontextmanager
async def running(polled: Polled[str, Text]) -> AsyncIterator[None]:
    """Run until the block ends."""
    task = asyncio.create_task(polled.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_at_the_start_what_is_there_counts_at_once() -> None:
    """Nobody writes a volume while its container starts."""
    disk = Disk(["a"])

    await disk.polled().start()

    assert (disk.values, disk.reads) == (["a"], 1)


async def test_a_change_counts_when_it_has_come_to_rest() -> None:
    """F-30: read only after it is stable; the half-written ones are never judged."""
    disk = Disk(["a"])
    polled = disk.polled()
    await polled.start()

    disk.finds = ["", "ab", "abc", "abc"]
    await polled.look()

    assert disk.values == ["a", "abc"]


async def test_what_does_not_come_to_rest_is_left_to_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F-30: a file that is written all the time; here with 1 ms between reads."""
    monkeypatch.setattr("kubedns_py.sources.polling._REST_S", 0.001)
    disk = Disk(["a"])
    polled = disk.polled()
    await polled.start()

    disk.finds = [f"b{number}" for number in range(50)]
    await polled.look()

    assert disk.values == ["a"]
    assert disk.reads == 12


async def test_a_look_that_finds_nothing_new_is_one_read() -> None:
    """Ten seconds later everything is as it was."""
    disk = Disk(["a"])
    polled = disk.polled()
    await polled.start()

    await polled.look()

    assert disk.reads == 2


async def test_what_cannot_be_read_twice_is_reported_and_comes_back() -> None:
    """F-30: what was read before stays in force."""
    disk = Disk(["a"])
    polled = disk.polled()
    await polled.start()

    disk.finds = [Unreadable("it cannot be read")]
    await polled.look()
    assert (polled.kept.status.valid, polled.kept.status.message) == (False, "it cannot be read")

    disk.finds = ["a"]
    await polled.look()
    assert polled.kept.status.valid
    assert disk.values == ["a"]


async def test_it_goes_on_looking_after_an_accident(caplog: pytest.LogCaptureFixture) -> None:
    """Only cancellation ends the loop."""
    disk = Disk(["a"])
    polled = disk.polled()
    await polled.start()

    disk.finds = [None, "b"]
    async with running(polled):
        await until(lambda: disk.values == ["a", "b"])

    assert caplog.messages == ["--x /y: an error of our own; looking again"]


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    """A directory may hold anything."""
    os.mkfifo(tmp_path / "pipe")

    with open(tmp_path / "pipe", "rb", opener=without_waiting) as file:
        assert file.read(1) == b""
