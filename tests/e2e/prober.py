"""Lookups as the prober of Kubernetes' own DNS tests makes them: dig, over UDP and over TCP.

That prober runs ``dig +notcp +noall +answer +search NAME TYPE`` in a pod, and the same with
``+tcp``, and a non-empty answer passes; here the whole answer has to be right. Partial names differ
in one point: a pod's search list stands in its /etc/resolv.conf, dig has no option for such a list,
and this machine's own file must stay as it is. So ``search`` walks the list that a kubelet writes,
with ndots:5, and asks each whole name by dig until one is answered, as resolvers do. On the way
only NXDOMAIN or an empty NOERROR is clean: anything else makes a resolver stop or fail.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from tests.e2e.dnsserver import DOMAIN
from tests.e2e.wait import until

MISSING = "dig is missing: install the package dnsutils, bind9-dnsutils or bind-utils"
NDOTS = 5
_STATUS = re.compile(r"status: ([A-Z]+),")
_DIG_S = 15


@dataclass(frozen=True, slots=True)
class Seen:
    """What dig printed.

    Attributes:
        status: the RCODE.
        answer: the answer section, sorted, one space between fields.
    """

    status: str
    answer: tuple[str, ...]

    @property
    def data(self) -> list[str]:
        """The data of every record."""
        return [line.split(" ", 4)[4] for line in self.answer]


@dataclass(frozen=True, slots=True)
class Prober:
    """Asks one server on loopback."""

    port: int

    def dig(self, *words: str) -> str:
        """Return what dig prints for further words."""
        dig = shutil.which("dig")
        if dig is None:
            pytest.fail(MISSING, pytrace=False)
        command = [dig, "-r", "@127.0.0.1", "-p", str(self.port), "+time=5", "+tries=1", *words]
        done = subprocess.run(  # noqa: S603 - dig of this machine
            command, capture_output=True, text=True, timeout=_DIG_S, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, name: str, qtype: str = "A") -> Seen:
        """Ask for a whole name over UDP and over TCP, and return the answer, which is the same."""
        over_udp, over_tcp = (self._ask(name, qtype, transport) for transport in ("+notcp", "+tcp"))
        assert over_udp == over_tcp
        return over_udp

    def search(self, name: str, namespace: str, qtype: str = "A") -> Seen:
        """Ask for a name as a pod of a namespace does, through its search list."""
        service_names = f"svc.{DOMAIN}"
        suffixes = (f"{namespace}.{service_names}", service_names, DOMAIN)
        tries = [f"{name}.{suffix}" for suffix in suffixes]
        literal = f"{name}."
        tries = [*tries, literal] if name.count(".") < NDOTS else [literal, *tries]
        for each in tries:
            seen = self.ask(each, qtype)
            if seen.answer:
                return seen
            assert seen.status in {"NXDOMAIN", "NOERROR"}, f"{each}: {seen}"
        return seen

    def wait(self, name: str, expected: list[str], qtype: str = "A") -> None:
        """Wait until a whole name is answered with these lines, over both transports."""
        until(
            lambda: list(self._ask(name, qtype, "+notcp").answer),
            f"dig {name} {qtype} prints {expected}",
            accept=lambda seen: seen == expected,
        )
        assert list(self.ask(name, qtype).answer) == expected

    def _ask(self, name: str, qtype: str, transport: str) -> Seen:
        text = self.dig(transport, "+noall", "+answer", "+comments", name, qtype)
        found = _STATUS.search(text)
        assert found is not None, text
        lines = [" ".join(line.split()) for line in text.splitlines()]
        answer = sorted(line for line in lines if line and not line.startswith(";"))
        return Seen(found[1], tuple(answer))
