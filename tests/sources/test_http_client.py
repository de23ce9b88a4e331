"""aiohttp's client without the certificates that it reads for itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trustme


def run(code: str, **environment: str) -> str:
    """Return what a program of its own prints: what was imported here proves nothing."""
    command = [sys.executable, "-c", code]
    found = subprocess.run(  # noqa: S603 - our own
        command, check=True, capture_output=True, text=True, env=environment
    )
    return found.stdout.strip()


TRUSTED = """if True:
    import ssl
    {first}
    import kubedns_py.sources.http_client
    from aiohttp import connector
    print(len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()), end=" ")
    print(connector._SSL_CONTEXT_VERIFIED.verify_mode == ssl.CERT_REQUIRED, end=" ")
    print(connector._SSL_CONTEXT_VERIFIED.check_hostname)
"""


def test_the_context_of_the_library_trusts_nobody_and_verifies() -> None:
    """Fail closed: whoever names no context is refused, and does not believe everybody."""
    assert run(TRUSTED.format(first="")) == "0 True True"


def test_the_reader_of_kubeconfigs_imports_it_no_other_way() -> None:
    """It comes before the first session, and imports aiohttp for providers of tokens."""
    code = """if True:
        from kubedns_py.sources.client_library import kubeconfigs
        kubeconfigs()
        from aiohttp import connector
        print(len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()))
    """

    assert run(code) == "0"


def test_a_library_that_was_imported_before_is_left_as_it_was(tmp_path: Path) -> None:
    """A program around us may use it with the system's certificates."""
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    first = "import aiohttp"

    assert run(TRUSTED.format(first=first), SSL_CERT_FILE=str(authority)) == "1 True True"


@pytest.mark.parametrize(
    "environment",
    [{}, {"SSL_CERT_FILE": "/here/is/none.pem", "SSL_CERT_DIR": "/nor/here"}],
    ids=["not said", "said"],
)
def test_the_environment_is_as_before(environment: dict[str, str]) -> None:
    """The operator's certificates are for the connections that we make, and for plugins."""
    code = """if True:
        import os
        before = dict(os.environ)
        import kubedns_py.sources.http_client
        print(dict(os.environ) == before)
    """

    assert run(code, **environment) == "True"


def test_contexts_of_our_own_find_the_certificates_of_the_system(tmp_path: Path) -> None:
    """A kubeconfig without an authority: the system's count."""
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    code = """if True:
        import asyncio
        from kubedns_py.sources.client_library import Configuration
        from kubedns_py.sources.connections import open_session
        async def main():
            async with open_session(Configuration({host!r})) as session:
                print(len(session.connector._ssl.get_ca_certs()))
        asyncio.run(main())
    """

    for host in ("https://api.example", "http://api.example"):
        assert run(code.format(host=host), SSL_CERT_FILE=str(authority)) == "1"
