"""Single lookups by dig, and what it printed: for answers whose TTLs count down meanwhile."""

import re
from dataclasses import dataclass

from tests.e2e.prober import Prober
from tests.helpers.process import ServerProcess


@dataclass(frozen=True, slots=True)
class Said:
    """A reply.

    Attributes:
        text: all that dig printed.
    """

    text: str

    @property
    def status(self) -> str:
        """The RCODE."""
        return self._found(r"status: ([A-Z]+),")

    @property
    def flags(self) -> set[str]:
        """Flags of the header, as dig writes them."""
        return set(self._found(r"^;; flags: ([a-z ]*);").split())

    @property
    def seconds(self) -> float:
        """How long it took, by dig's own clock."""
        return int(self._found(r"^;; Query time: (\d+) msec")) / 1000

    @property
    def ede(self) -> str:
        """The extended error, such as ``23 (Network Error)``; empty without one."""
        found = re.search(r"^; EDE: (.*)$", self.text, re.MULTILINE)
        return found[1] if found else ""

    @property
    def records(self) -> list[list[str]]:
        """Owner, TTL, class, type and data of each record of all sections, in their order."""
        lines = (line.split(None, 4) for line in self.text.splitlines())
        return [line for line in lines if line and not line[0].startswith(";")]

    @property
    def data(self) -> list[str]:
        """The data of each record, sorted."""
        return sorted(record[4] for record in self.records)

    def ttl(self, rtype: str) -> int:
        """Return the TTL of the records of a type, of which there is at least one."""
        (found,) = {int(record[1]) for record in self.records if record[3] == rtype}
        return found

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, self.text, re.MULTILINE)
        assert found is not None, self.text
        return found[1]


@dataclass(frozen=True, slots=True)
class Lookups:
    """Asks a server.

    Attributes:
        server: the real program.
    """

    server: ServerProcess

    def dig(self, *words: str) -> Said:
        """Ask once; over UDP first, if words do not say otherwise."""
        return Said(Prober(self.server.port).dig(*words))

    def ask(self, name: str, qtype: str = "A") -> Said:
        """Ask over UDP and over TCP; both say the same, but for what has passed of a TTL."""
        over_udp, over_tcp = (self.dig(way, name, qtype) for way in ("+notcp", "+tcp"))
        assert over_udp.status == over_tcp.status
        assert over_udp.data == over_tcp.data
        return over_udp

    def slowest(self, names: list[str]) -> float:
        """Ask for addresses, one name after the other; return the longest time that one took."""
        return max(self.times(names))

    def times(self, names: list[str]) -> list[float]:
        """Ask for addresses, one name after the other; return what each took, in seconds."""
        said = [self.dig("+notcp", name) for name in names]
        assert {each.status for each in said} == {"NOERROR"}
        assert all(each.records for each in said)
        return [each.seconds for each in said]
