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


WHILE_IT_IS_IMPORTED = """if True:
    import os, ssl, sys, threading

    def look():
        print(len(ssl.create_default_context().get_ca_certs()), os.environ == before, end=" ")

    class Looker:
        def find_spec(self, name, path=None, target=None):
            if name == "aiohttp.connector":
                other = threading.Thread(target=look)
                other.start()
                other.join()

    before = dict(os.environ)
    sys.meta_path.insert(0, Looker())
    import kubedns_py.lean_aiohttp
    look()
"""


def test_others_do_not_notice(tmp_path: Path) -> None:
    """Credentials rotate and plugins run meanwhile, and afterwards all is as before."""
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))

    seen = printed(WHILE_IT_IS_IMPORTED, SSL_CERT_FILE=str(authority))

    assert seen == "1 True 1 True"
