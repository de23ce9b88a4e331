"""aiohttp without the certificates that its client reads for itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from tests.helpers.separately import printed

TRUSTED = """if True:
    import ssl
    {first}
    import kubedns_py.lean_aiohttp
    from aiohttp import connector
    print(len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()), end=" ")
    print(connector._SSL_CONTEXT_VERIFIED.verify_mode == ssl.CERT_REQUIRED, end=" ")
    print(connector._SSL_CONTEXT_VERIFIED.check_hostname)
"""


def test_the_context_of_the_library_trusts_nobody_and_verifies() -> None:
    """Fail closed: whoever names no context is refused, and does not believe everybody."""
    assert printed(TRUSTED.format(first="")) == "0 True True"


PROVIDER = """
        from kubedns_py.sources.client_library import kubeconfigs
        known = kubeconfigs().KubeConfigLoader._refresh_oidc.__globals__
        known["OpenIDRequestor"]("id", "secret", "https://issuer")
"""


@pytest.mark.parametrize(
    "comes",
    [
        "from kubedns_py.admin import gate",
        PROVIDER,
    ],
    ids=["pages", "provider of tokens"],
)
def test_it_comes_no_other_way(comes: str) -> None:
    """Whoever needs it first."""
    code = f"""if True:
        import sys
        {comes}
        print("aiohttp" in sys.modules)
        from aiohttp import connector
        print(len(connector._SSL_CONTEXT_VERIFIED.get_ca_certs()))
    """

    assert printed(code).split() == ["True", "0"]


def test_a_library_that_was_imported_before_is_left_as_it_was(tmp_path: Path) -> None:
    """A program around us may use it with the system's certificates."""
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    first = "import aiohttp"

    assert printed(TRUSTED.format(first=first), SSL_CERT_FILE=str(authority)) == "1 True True"


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
        import kubedns_py.lean_aiohttp
        print(dict(os.environ) == before)
    """

    assert printed(code, **environment) == "True"
