"""The octets of a body, as they were before they were coded for the way (RFC 9110, 8.4). No I/O.

Rules of this file:

- gzip is what an API server compresses with; it alone is asked for, and read.
- What comes out comes in portions, each made when it is asked for: octets that stand for gigabytes
  take no memory, and others may run in between (row F-06).
- ISA-L reads it (isal), three times as fast as zlib: 37 MB of EndpointSlices take 15 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, cast

from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor, IsalError

from kubedns_py.errors import HttpError

PORTION_OCTETS: Final = 131_072
"""At most so much comes out at once; a list is read by as much (``cluster/listing.py``)."""

_ERROR = cast("type[Exception]", IsalError)  # its stubs take it for an instance


class Body(Protocol):
    """Takes a body as it comes."""

    def feed(self, octets: bytes) -> Iterable[bytes]:
        """Take octets; return what they stand for. Raises HttpError, at any portion of it."""
        ...

    def end(self) -> None:
        """Take the end. Raises HttpError if octets are missing."""
        ...


def body_of(coding: str) -> Body:
    """Return what takes a body.

    Args:
        coding: the response's Content-Encoding, or empty.

    Raises:
        HttpError: a coding that was not asked for.
    """
    match coding.lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":  # one and the same (RFC 9110, 8.4.1.3)
            return _Gzip()
        case _:
            raise HttpError(f"Content-Encoding {coding}, which was not asked for")


class _Plain:
    """A body as it is."""

    def feed(self, octets: bytes) -> Iterable[bytes]:
        return (octets,)

    def end(self) -> None:
        """Nothing is missing that HTTP would not miss."""


class _Gzip:
    """Members of gzip, one behind the other (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._member = IgzipDecompressor(DECOMP_GZIP)
        self._begun = False

    def feed(self, octets: bytes) -> Iterator[bytes]:
        rest = octets
        while rest or not self._member.needs_input:
            self._begun = True
            if portion := self._unpack(rest):
                yield portion
            rest = b""
            if self._member.eof:
                rest = self._member.unused_data
                self._member = IgzipDecompressor(DECOMP_GZIP)
                self._begun = False

    def end(self) -> None:
        if self._begun:
            raise HttpError("gzip: cut off")

    def _unpack(self, octets: bytes) -> bytes:
        try:
            return self._member.decompress(octets, PORTION_OCTETS)
        except _ERROR as error:
            raise HttpError(f"gzip: {error}") from error
