"""What the operating system says is put in the words of ``Failure``."""

import errno
import os
import ssl

import pytest

from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.refusal import failure_of


@pytest.mark.parametrize(
    ("word", "failure"),
    [
        ("ECONNREFUSED", Failure.UNREACHABLE),
        ("ENETUNREACH", Failure.UNREACHABLE),
        ("EHOSTUNREACH", Failure.UNREACHABLE),
        ("ETIMEDOUT", Failure.UNREACHABLE),
        ("EACCES", Failure.UNREACHABLE),
        ("EPERM", Failure.UNREACHABLE),
        ("EMFILE", Failure.NO_SOCKET),
        ("ENFILE", Failure.NO_SOCKET),
        ("ENOBUFS", Failure.NO_SOCKET),
        ("ENOMEM", Failure.NO_SOCKET),
        ("EADDRNOTAVAIL", Failure.NO_SOCKET),
        ("EADDRINUSE", Failure.NO_SOCKET),
        ("EAGAIN", Failure.NO_SOCKET),
    ],
)
def test_an_error_of_the_kernel_is_ours_or_the_networks(word: str, failure: Failure) -> None:
    """socket(7), udp(7), tcp(7)."""
    number = getattr(errno, word)

    assert failure_of(OSError(number, os.strerror(number))) is failure


def test_a_deadline_is_the_networks() -> None:
    """Connecting has one; it raises TimeoutError, without a number."""
    assert failure_of(TimeoutError()) is Failure.UNREACHABLE


def test_a_certificate_of_somebody_else_is_not_trusted() -> None:
    """RFC 8310, 5."""
    assert failure_of(ssl.SSLCertVerificationError(1, "Hostname mismatch")) is Failure.UNTRUSTED


def test_a_peer_that_does_not_speak_tls_is_broken() -> None:
    """RFC 7858, 3.2."""
    assert failure_of(ssl.SSLError(1, "WRONG_VERSION_NUMBER")) is Failure.BROKEN
