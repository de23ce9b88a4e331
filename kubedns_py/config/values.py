"""How the text of an option becomes a value.

Rules of this file:

- A reader takes the text as given and returns a normalised value, or raises ``UsageError`` with
  what is wrong and what to give; the caller puts the option's name before it.
- A reader looks at nothing but its text: no files, no environment, no name service.
- Text is quoted with ``repr`` and cut in messages: an option may hold a line break.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kubedns_py.cluster.selector import parse_selector
from kubedns_py.errors import UsageError

MAX_DOMAIN = 242
"""Characters: ``hostmaster.DOMAIN`` must be a name too (255 octets, RFC 1035, 2.3.4)."""
MAX_HOST_NAME = 253
"""Characters of a whole name without its last dot (RFC 1035, 2.3.4)."""
MAX_LABEL = 63

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_SIZE = re.compile(r"([0-9]{1,12})([KMG]i)?")
_UNITS = {None: 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_TRUE = frozenset(("1", "t", "true"))
_FALSE = frozenset(("0", "f", "false"))


class Kind(NamedTuple):
    """What an option takes.

    Attributes:
        metavar: what stands for the value in usage texts.
        accepts: the range or format, as a phrase for people.
        read: text to value.
        many: a comma list that may be given several times; the value is a tuple.
        switch: may be given without a value, which then is ``true``.
        expands: ``$NAME`` and ``${NAME}`` in it are replaced from the environment before reading.
    """

    metavar: str
    accepts: str
    read: Callable[[str], Any]
    many: bool = False
    switch: bool = False
    expands: bool = False


def whole(low: int, high: int, metavar: str = "N") -> Kind:
    """Return the kind of whole numbers from ``low`` to ``high``, both included."""
    accepts = f"{low} to {high}"

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise UsageError(f"{quoted(text)} is not a whole number; give {accepts}")
        number = int(text)
        if number < low:
            raise UsageError(f"{number} is below {low}; give {accepts}")
        if number > high:
            raise UsageError(f"{number} is above {high}; give {accepts}")
        return number

    return Kind(metavar, accepts, read)


def choice(*words: str) -> Kind:
    """Return the kind of one word out of a few."""
    accepts = ", ".join(words[:-1]) + f" or {words[-1]}"

    def read(text: str) -> str:
        if text not in words:
            raise UsageError(f"{quoted(text)} is not known; give {accepts}")
        return text

    return Kind("|".join(words), accepts, read)


def duration(low_s: float, high_s: float, accepts: str) -> Kind:
    """Return the kind of Go durations (``1m30s``) in a range; the value is in seconds."""

    def read(text: str) -> float:
        seconds = parse_duration(text)
        if not low_s <= seconds <= high_s:
            raise UsageError(f"{quoted(text)} is out of range; give {accepts}")
        return seconds

    return Kind("DURATION", accepts, read)


def octets(high: int, accepts: str, *, least: int = 0) -> Kind:
    """Return the kind of sizes, written as Kubernetes writes memory.

    Args:
        high: octets at most.
        accepts: the range for people.
        least: octets of the smallest that is of use; 0, for nothing at all, is below it.
    """

    def read(text: str) -> int:
        found = _SIZE.fullmatch(text)
        if found is None:
            raise UsageError(f"{quoted(text)} is not a size; give it like 32Mi, 512Ki or 0")
        size = int(found[1]) * _UNITS[found[2]]
        if size > high or 0 < size < least:
            raise UsageError(f"{quoted(text)} is out of range; give {accepts}")
        return size

    return Kind("SIZE", accepts, read)


def many(of: Kind) -> Kind:
    """Return the kind of comma lists of another kind, without empty parts and repetitions.

    An empty text is an empty list; one of commas alone is a mistake.
    """
    accepts = f"{of.accepts}; several with commas"

    def read(text: str) -> tuple[object, ...]:
        parts = [part for part in map(str.strip, text.split(",")) if part]
        if text.strip() and not parts:
            raise UsageError(f"{quoted(text)} names nothing; give {accepts}")
        return tuple(dict.fromkeys(map(of.read, parts)))

    return Kind(f"{of.metavar},...", accepts, read, many=True)


def at_least_one(of: Kind) -> Kind:
    """Return the kind of comma lists with one part or more."""
    kind = many(of)

    def read(text: str) -> tuple[object, ...]:
        found: tuple[object, ...] = kind.read(text)
        if not found:
            raise UsageError(f"{quoted(text)} is empty; give {kind.accepts}")
        return found

    return Kind(kind.metavar, kind.accepts, read, many=True)


def parse_boolean(text: str) -> bool:
    """Return a boolean in Go's spellings."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise UsageError(f"{quoted(text)} is neither true nor false")


def parse_duration(text: str) -> float:
    """Return the seconds of a Go duration (Go's ``time.ParseDuration``, without a sign)."""
    if text == "0":
        return 0.0
    if re.fullmatch(r"[0-9.]+", text):
        raise UsageError(f"{quoted(text)} has no unit; give it as {text}s, or 500ms, or 1m30s")
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise UsageError(f"{quoted(text)} is not a duration; give it like 30s, 500ms or 1m30s")
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts)


def parse_domain(text: str) -> str:
    """Return a cluster domain in lower case with the trailing dot (RFC 1123, 2.1)."""
    domain = text.lower().removesuffix(".")
    if not domain:
        raise UsageError(f"{quoted(text)} is no domain: the root cannot be served")
    if len(domain) > MAX_DOMAIN:
        raise UsageError(f"{len(domain)} characters are too long for a domain; {MAX_DOMAIN} fit")
    for label in domain.split("."):
        if not _LABEL.fullmatch(label):
            raise UsageError(f"{quoted(text)}: {_label_fault(label)}")
    return f"{domain}."


def fold_host_name(text: str) -> str:
    """Return an RFC 1123 subdomain in lower case without the last dot.

    Raises:
        UsageError: with what is wrong; the caller says with what.
    """
    name = text.removesuffix(".").lower()
    if len(name) > MAX_HOST_NAME:
        raise UsageError(f"{len(name)} characters are too long for a name; {MAX_HOST_NAME} fit")
    for label in name.split("."):
        if not _LABEL.fullmatch(label) or not text.isascii():
            raise UsageError(_label_fault(label))
    return name


def parse_aaaa_filter(text: str) -> str:
    """Return an upstream's address in its canonical spelling, or a domain with the last dot."""
    if text == ".":
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass  # then it is a domain
    try:
        domain = fold_host_name(text)
    except UsageError as error:
        raise UsageError(f"{quoted(text)}: {error}") from None
    if domain.rpartition(".")[2].isdigit():  # no top-level domain is a number (RFC 3696, 2)
        raise UsageError(
            f"{quoted(text)} is neither an address nor a domain; "
            "give one like 10.0.0.1, fd00::1 or corp.example"
        )
    return f"{domain}."


def parse_config_map(text: str) -> str:
    """Return the name of a ConfigMap as given: an RFC 1123 subdomain. Empty stays empty."""
    try:
        well_named = not text or fold_host_name(text) == text
    except UsageError:
        well_named = False
    if not well_named:
        raise UsageError(f"{quoted(text)} is not the name of a ConfigMap; give one like kube-dns")
    return text


def parse_namespace(text: str) -> str:
    """Return the name of a namespace: one RFC 1123 label."""
    if not _LABEL.fullmatch(text):
        raise UsageError(f"{quoted(text)} is not the name of a namespace: {_label_fault(text)}")
    return text


def parse_service(text: str) -> str:
    """Return ``namespace/name`` of a Service."""
    labels = text.split("/")
    if len(labels) != 2 or not all(map(_LABEL.fullmatch, labels)):
        raise UsageError(f"{quoted(text)} is not a Service; give it as namespace/name")
    return text


def parse_address(text: str) -> str:
    """Return an IP address in its canonical spelling; brackets around IPv6 are taken off."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ipaddress.ip_address(inner))
    except ValueError:
        raise UsageError(
            f"{quoted(text)} is not an IP address; give one like 0.0.0.0 or ::, without a port"
        ) from None


def parse_cidr(text: str) -> str:
    """Return a network in its canonical spelling."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UsageError(
            f"{quoted(text)} is not a network; give one like 10.96.0.0/12 or fd00::/108"
        ) from None
    if str(network.network_address) != str(ipaddress.ip_address(text.partition("/")[0])):
        raise UsageError(f"{quoted(text)} has bits beyond the prefix; was {network} meant?")
    return str(network)


def parse_url(text: str) -> str:
    """Return the URL of an API server. Empty stays empty."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable():
        raise UsageError(f"{quoted(text)} is not a URL; give one like https://10.0.0.1:6443")
    return text


def parse_selector_text(text: str) -> str:
    """Return a label selector as given, once it is known to be readable. Empty selects all."""
    if text:
        parse_selector(text)
    return text


def parse_path(text: str) -> str:
    """Return a path as given. Whether it exists is found out by who opens it."""
    if "\0" in text:
        raise UsageError(f"{quoted(text)} is not a path")
    return text


def quoted(text: str) -> str:
    """Return text of any origin as one short printable piece for a message."""
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def _label_fault(label: str) -> str:
    if not label:
        return "a label is empty"
    if len(label) > MAX_LABEL:
        return f"a label has {len(label)} characters; {MAX_LABEL} fit"
    return f"label {quoted(label)} may hold only a-z, 0-9 and -, and no - at either end"


BOOLEAN = Kind("true|false", "true or false", parse_boolean, switch=True)
DOMAIN = Kind("DOMAIN", "a domain of RFC 1123 labels", parse_domain)
AAAA_FILTER = Kind("DOMAIN|IP", "a domain, an upstream's address, or . for all", parse_aaaa_filter)
CONFIG_MAP = Kind("NAME", "the name of a ConfigMap", parse_config_map)
NAMESPACE = Kind("NAMESPACE", "the name of a namespace", parse_namespace)
SERVICE = Kind("NAMESPACE/NAME", "namespace/name", parse_service)
ADDRESS = Kind("ADDRESS", "an IPv4 or IPv6 address", parse_address)
CIDR = Kind("CIDR", "a network such as 10.96.0.0/12", parse_cidr)
URL = Kind("URL", "an http or https URL", parse_url, expands=True)
SELECTOR = Kind("SELECTOR", "a label selector as in kubectl -l", parse_selector_text)
PATH = Kind("PATH", "a path", parse_path)
PORT = whole(1, 65535, "PORT")
PORT_OR_OFF = whole(0, 65535, "PORT")
