"""Addresses of the inside on their way through the cache (C-08)."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kubedns_py.dns.name import from_text
from kubedns_py.dns.render import Reply
from kubedns_py.upstream.cache import Cache
from kubedns_py.upstream.filters import Authority
from kubedns_py.upstream.rebinding import RebindingFilter
from kubedns_py.upstream.routes import Group, Routes
from kubedns_py.upstream.upstreams import Upstreams
from tests.helpers.fake_forwarder import DEFAULT, FakeForwarder, ManualLoop, a_reply
from tests.helpers.replies import asking, lines_of

DB = asking("db.corp.example.")
INSIDE = "db.corp.example. 300 IN A 10.0.0.5"
ALONE = Routes(DEFAULT, {})
# the same servers: a stub domain as the way to let one domain have such addresses
WITH_CORP = Routes(DEFAULT, {from_text("corp.example"): Group("corp.example.", DEFAULT.servers)})


@dataclass
class Protected:
    """Upstreams whose addresses of the inside are taken out, and what a client was told."""

    routes: Routes = ALONE
    is_on: bool = True
    forwarder: FakeForwarder = field(default_factory=FakeForwarder)
    told: list[Reply] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.upstreams = Upstreams(
            Cache(1 << 20),
            self.forwarder,
            self.routes,
            is_elsewhere=lambda *_: False,
            loop=ManualLoop(),
        )
        if self.is_on:
            self.upstreams.protect(RebindingFilter((), Authority((), (), 5)))

    def known(self) -> tuple[str, ...] | None:
        """Return the addresses that are known at once, or None."""
        reply = self.upstreams.find(DB)
        return None if reply is None else lines_of(reply.answer)

    def learn(self) -> None:
        """Fetch, and have the forwarder answer with an address of the inside."""
        assert self.upstreams.fetch(DB, "10.1.2.3", self.told.append) is None
        self.forwarder.answer(a_reply(INSIDE))


def test_by_default_every_address_passes() -> None:
    """C-08: pass by default."""
    house = Protected(is_on=False)
    house.learn()

    assert lines_of(house.told[0].answer) == house.known() == (INSIDE,)
    assert house.upstreams.rebindings == 0


def test_they_are_taken_out_before_anything_is_kept() -> None:
    """C-08: whoever asks first, and whoever asks then; it is a denial, and counted once."""
    house = Protected()
    house.learn()

    assert lines_of(house.told[0].answer) == house.known() == ()
    assert house.told[0].ede is not None
    assert house.upstreams.counts().entries == {"success": 0, "denial": 1}
    assert house.upstreams.rebindings == 1


def test_stub_domains_may_have_them() -> None:
    """C-08: that is what they are for."""
    house = Protected(WITH_CORP)
    house.learn()

    assert lines_of(house.told[0].answer) == house.known() == (INSIDE,)


@pytest.mark.parametrize(("before", "after"), [(ALONE, WITH_CORP), (WITH_CORP, ALONE)])
def test_a_change_between_the_default_and_a_stub_domain_counts_at_once(
    before: Routes, after: Routes
) -> None:
    """C-08: what is kept says what others were allowed to say, though the servers are the same."""
    house = Protected(before)
    house.learn()
    house.upstreams.replace_routes(after)

    assert house.known() is None


def test_what_arrives_after_such_a_change_is_what_was_asked_for_and_not_kept() -> None:
    """C-08: judged by who was asked."""
    house = Protected(WITH_CORP)
    assert house.upstreams.fetch(DB, "10.1.2.3", house.told.append) is None
    house.upstreams.replace_routes(ALONE)
    house.forwarder.answer(a_reply(INSIDE))

    assert lines_of(house.told[0].answer) == (INSIDE,)
    assert house.known() is None
