"""What the operating system says when it does not send or connect, in the words of ``Failure``."""

from __future__ import annotations

import errno
import ssl

from kubedns_py.upstream.exchange import Failure

_SHORT_OF = frozenset(
    (
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRINUSE,  # connect(2): no port left
        errno.EADDRNOTAVAIL,  # the same over TCP
        errno.EAGAIN,  # the same over UDP, or no room to send
    )
)


def failure_of(error: OSError) -> Failure:
    """Return why a socket could not be opened, connected or used.

    What is not known to be a lack of ours, or of the peer's certificate, is the network's word.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failure.UNTRUSTED
    if isinstance(error, ssl.SSLError):
        return Failure.BROKEN
    return Failure.NO_SOCKET if error.errno in _SHORT_OF else Failure.UNREACHABLE
