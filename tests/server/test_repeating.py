"""What was repeated is counted soon, and not between datagrams."""

import pytest

from kubedns_py.server import repeating
from kubedns_py.server.repeating import SettledSoon
from tests.helpers.waiting import until


class Repeats:
    """Notes what is done with it."""

    def __init__(self) -> None:
        self.is_settled = True
        self.done: list[str] = []

    def begin(self) -> None:
        """Note it."""
        self.done.append("begin")

    def repeat(self, text: bytes, /) -> bytes | None:
        """Repeat what was said."""
        self.is_settled = False
        return text

    def end(self, datagrams: int) -> None:
        """Note it."""
        self.done.append(f"end {datagrams}")

    def settle(self) -> None:
        """Note it."""
        self.is_settled = True
        self.done.append("settle")


async def test_a_burst_is_settled_once_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics cost nothing on the path."""
    monkeypatch.setattr(repeating, "SETTLE_S", 0.0)
    repeats = Repeats()
    soon = SettledSoon(repeats)
    for _ in range(2):
        soon.begin()
        assert soon.repeat(b"x") == b"x"
        soon.end(3)
    assert repeats.done == ["begin", "end 3", "begin", "end 3"]

    await until(lambda: repeats.is_settled)
    soon.begin()
    soon.repeat(b"x")
    soon.end(1)
    await until(lambda: repeats.is_settled)

    assert repeats.done.count("settle") == 2


async def test_a_wake_without_datagrams_takes_no_time() -> None:
    """Division by nothing."""
    repeats = Repeats()
    soon = SettledSoon(repeats)

    soon.begin()
    soon.end(0)

    assert repeats.done == ["begin"]


async def test_where_nothing_is_repeated_everything_is_answered_anew() -> None:
    """--forward=false."""
    soon = SettledSoon(None)

    soon.begin()
    assert soon.repeat(b"x") is None
    soon.end(5)
