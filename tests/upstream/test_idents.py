"""IDs cannot be guessed (C-04). Each test fails by chance less than once in a million runs."""

import subprocess
import sys
from collections import Counter
from itertools import pairwise

from kubedns_py.upstream.idents import Idents

DRAWS = 100_000
OCTETS = 256
MAX_CHI_SQUARE = 390.0
"""Of 255 degrees of freedom; more has a probability of 1e-7."""


def drawn() -> list[int]:
    """Return as many IDs as the row of the catalogue asks for."""
    idents = Idents()
    return [idents.draw() for _ in range(DRAWS)]


def chi_square(octets: list[int]) -> float:
    """Return Pearson's statistic for octets that should be equally likely."""
    expected = len(octets) / OCTETS
    counts = Counter(octets)
    return sum((counts[octet] - expected) ** 2 / expected for octet in range(OCTETS))


def test_ones_are_as_frequent_as_zeros() -> None:
    """C-04: NIST SP 800-22, 2.1 (monobit); 5.5 standard deviations are one in 26 million."""
    bits = DRAWS * 16
    ones = sum(ident.bit_count() for ident in drawn())

    assert abs(ones - bits / 2) < 5.5 * (bits / 4) ** 0.5


def test_every_octet_is_as_likely_in_both_places() -> None:
    """C-04: chi-square over 100,000 IDs."""
    idents = drawn()

    assert chi_square([ident >> 8 for ident in idents]) < MAX_CHI_SQUARE
    assert chi_square([ident & 0xFF for ident in idents]) < MAX_CHI_SQUARE


def test_the_step_from_one_to_the_next_is_as_likely_as_any_other() -> None:
    """C-04: a counter, or a linear generator's low octet, would fail here."""
    steps = [(after - before) & 0xFFFF for before, after in pairwise(drawn())]

    assert chi_square([step >> 8 for step in steps]) < MAX_CHI_SQUARE
    assert chi_square([step & 0xFF for step in steps]) < MAX_CHI_SQUARE


def test_two_processes_have_nothing_in_common() -> None:
    """C-04, GHSA-gv9j: a restart tells nothing. Expected are 0.03 equal IDs in equal places."""
    program = (
        "from kubedns_py.upstream.idents import Idents\n"
        "idents = Idents()\n"
        "print(*(idents.draw() for _ in range(2000)))\n"
    )
    first, second = (
        subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
        ).stdout.split()
        for _ in range(2)
    )

    assert len(first) == len(second) == 2000
    assert sum(one == other for one, other in zip(first, second, strict=True)) < 6
    assert len(set(first) & set(second)) < 150  # 60 are expected
