"""``python -m fuzz [--seconds N] [--seed N]``: mutate queries and replies until the time is over.

Prints what it did; exits 1 with the message in hex at the first broken invariant. The same seed
tries the same messages in the same order.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from random import Random

from fuzz.corpus import queries
from fuzz.handler import BrokenInvariantError, a_core, check
from fuzz.replies import replies

_MOST_OCTETS = 2000


def mutated(message: bytes, chance: Random) -> bytes:
    """Return the message with a few octets changed, cut, doubled or added."""
    octets = bytearray(message)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(octets) + 1)
        match chance.randrange(5):
            case 0 if octets:
                octets[at % len(octets)] ^= 1 << chance.randrange(8)
            case 1 if octets:
                octets[at % len(octets)] = chance.choice((0, 0x3F, 0x40, 0xC0, 0xFF, 12))
            case 2:
                del octets[at:]
            case 3:
                octets[at:at] = octets[at : at + chance.randrange(40)]
            case _:
                octets += chance.randbytes(chance.randrange(40))
    return bytes(octets[:_MOST_OCTETS])


def _of_queries() -> Iterator[tuple[bytes, Callable[[bytes], None]]]:
    holds = functools.partial(check, a_core())
    return ((query, holds) for query in queries())


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="which messages (default 1)")
    options = parser.parse_args()
    chance = Random(options.seed)  # noqa: S311 - the same seed must try the same messages
    corpora = list(_of_queries()), list(replies())
    started, tried = time.monotonic(), 0
    try:
        for message, holds in itertools.chain(*corpora):
            holds(message)
        while time.monotonic() - started < options.seconds:
            for corpus in corpora * 50:
                tried += 1
                message, holds = chance.choice(corpus)
                if chance.random() < 0.1:
                    message = chance.randbytes(chance.randrange(_MOST_OCTETS))
                else:
                    message = mutated(message, chance)
                holds(message)
    except BrokenInvariantError as error:
        sys.stderr.write(f"fuzz: seed {options.seed}, message {tried}: {error}\n")
        return 1
    sys.stdout.write(f"fuzz: {tried} messages, seed {options.seed}: every invariant held\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
