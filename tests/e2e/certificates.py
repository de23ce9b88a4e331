"""The certificates of one control plane: a real CA, made for the run and gone with it."""

from dataclasses import dataclass
from pathlib import Path

import trustme

SERVER_NAMES = (
    "127.0.0.1",
    "localhost",
    "10.96.0.1",  # the first address of the service range, that of the Service "kubernetes"
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files."""

    ca: Path
    """The CA's certificate, for clients to check the API server with."""
    server: Path
    """The API server's certificate chain."""
    server_key: Path
    account_key: Path
    """The private key that signs the tokens of service accounts."""


def issue_certificates(folder: Path) -> Certificates:
    """Make a new CA and what it signs, as files in ``folder``, replacing those that are there.

    The key that signs the tokens of service accounts is made once, so that tokens stay valid.
    """
    authority = trustme.CA()
    server = authority.issue_cert(*SERVER_NAMES)
    account = trustme.CA()
    made = Certificates(
        ca=folder / "ca.crt",
        server=folder / "server.crt",
        server_key=folder / "server.key",
        account_key=folder / "account.key",
    )
    authority.cert_pem.write_to_path(str(made.ca))
    _write_chain(server, made.server)
    server.private_key_pem.write_to_path(str(made.server_key))
    if not made.account_key.exists():
        account.private_key_pem.write_to_path(str(made.account_key))
    return made


def _write_chain(server: trustme.LeafCert, path: Path) -> None:
    """Write the leaf and whatever stands between it and the CA."""
    path.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
