"""The real process: names in random case on their way out (C-05)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

import pytest

from tests.helpers.fake_upstream import Asked, FakeUpstream, Turn, fake_upstream
from tests.helpers.process import ServerProcess, serving, wait_until
from tests.helpers.upstream_script import answer, in_case, in_turn, slow
from tests.integration.test_forwarding import Metrics

RECORD = "@ 60 IN A 192.0.2.1"
NAMES = [f"a-name-with-letters-{n}.of-some-zone.example." for n in range(8)]


async def before(
    up: FakeUpstream, manifests: Path, flags: list[str], use: Callable[[ServerProcess], None]
) -> int:
    """Run the server before an upstream, and use it in a thread.

    Returns:
        How many questions were asked again as there was no reply in time: none, unless the machine
        stands still meanwhile.
    """

    def run() -> int:
        always = [f"--manifests={manifests}", f"--nameservers={up.nameserver}"]
        with serving(manifests.parent, *always, *flags) as server:
            server.wait_ready()
            use(server)
            return int(sum(Metrics(server).values("forward_retries_total", reason="late")))

    return await asyncio.to_thread(run)


def look_up(server: ServerProcess, *names: str) -> None:
    """Look up names."""
    for name in names:
        assert server.lines(name) == [f"{name} 60 IN A 192.0.2.1"]


def are_names(asked: Iterable[Asked], late: int) -> bool:
    """Tell whether the names were asked for in order, each once but for those that were late."""
    names = [each.name.lower() for each in asked]
    return [name for name, _ in groupby(names)] == NAMES and len(names) == len(NAMES) + late


def of_clients(up: FakeUpstream) -> list[Asked]:
    """Return what the upstream was asked for clients."""
    return [asked for asked in up.asked if asked.rtype == "A"]


def has_capitals(asked: Asked) -> bool:
    """Tell whether a question is in random case; by chance one in 2**32 is not."""
    return asked.name != asked.name.lower()


def passed_over(server: ServerProcess, reason: str) -> float:
    """Return how many replies were passed over for a reason."""
    found = Metrics(server).values("forward_mismatches_total", transport="udp", reason=reason)
    return sum(found)


async def test_by_default_every_name_goes_out_in_lower_case(manifests: Path) -> None:
    """C-05: off; and whatever case the reply has is right."""

    def use(server: ServerProcess) -> None:
        look_up(server, *NAMES)
        assert server.lines("WWW.Example.") == ["WWW.Example. 60 IN A 192.0.2.1"]
        assert passed_over(server, "case") == 0

    async with fake_upstream(in_case(bytes.upper, RECORD)) as up:
        late = await before(up, manifests, [], use)

        assert len(of_clients(up)) == len(NAMES) + 1 + late
        assert not any(map(has_capitals, up.asked))


async def test_on_request_they_go_out_in_random_case(manifests: Path) -> None:
    """C-05: --randomize-case; each question in its own, and each is asked once."""

    def use(server: ServerProcess) -> None:
        look_up(server, *NAMES)
        assert passed_over(server, "case") == 0

    async with fake_upstream(answer(RECORD)) as up:
        late = await before(up, manifests, ["--randomize-case"], use)

        assert are_names(of_clients(up), late)
        assert all(map(has_capitals, of_clients(up)))
        first, second = ([c.isupper() for c in asked.name] for asked in of_clients(up)[:2])
        assert first != second


@pytest.mark.parametrize("change", [bytes.lower, bytes.upper])
async def test_a_server_with_a_case_of_its_own_answers_from_the_first_on(
    manifests: Path, change: Callable[[bytes], bytes]
) -> None:
    """C-05: asked again in lower case at once, and then only so; a reply in capitals is taken."""

    def use(server: ServerProcess) -> None:
        look_up(server, *NAMES)
        wait_until(lambda: passed_over(server, "case") >= 1)

    async with fake_upstream(in_case(change, RECORD)) as up:
        late = await before(up, manifests, ["--randomize-case"], use)

        # it may have been found out by a question of the server's own
        capitals = [asked.name.lower() for asked in of_clients(up) if has_capitals(asked)]
        assert capitals in ([], NAMES[:1])
        assert are_names([each for each in of_clients(up) if not has_capitals(each)], late)


async def test_a_forgery_in_another_case_is_passed_over(manifests: Path) -> None:
    """C-05: with the right ID and port. The server's own reply comes, and nothing is remembered."""
    lie = in_case(bytes.lower, "@ 3600 IN A 192.0.2.66")
    good = slow(0.02, answer(RECORD))

    async def forge(turn: Turn) -> None:
        await (in_turn(lie, good) if has_capitals(turn.asked) else good)(turn)

    def use(server: ServerProcess) -> None:
        look_up(server, *NAMES)
        wait_until(lambda: passed_over(server, "case") >= len(NAMES))

    async with fake_upstream(forge) as up:
        late = await before(up, manifests, ["--randomize-case"], use)

        assert are_names(filter(has_capitals, of_clients(up)), late)
