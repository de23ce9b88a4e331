"""Who may speak to the API server of a run: two users with static tokens, and kubeconfig files."""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

DNS_NAMESPACE = "kube-system"
DNS_ACCOUNT = "kubedns-py"


@dataclass(frozen=True, slots=True)
class User:
    """A user that the API server knows by a static token."""

    name: str
    groups: tuple[str, ...]
    token: str = field(default_factory=secrets.token_urlsafe)


@dataclass(frozen=True, slots=True)
class Users:
    """The users of one run."""

    admin: User = field(default_factory=lambda: User("admin", ("system:masters",)))
    """May do everything."""
    dns: User = field(
        default_factory=lambda: User(
            f"system:serviceaccount:{DNS_NAMESPACE}:{DNS_ACCOUNT}",
            ("system:serviceaccounts", f"system:serviceaccounts:{DNS_NAMESPACE}"),
        )
    )
    """The service account of the DNS server; may do what a role grants it, at first nothing."""


def write_tokens(path: Path, users: Users) -> None:
    """Write the file that ``--token-auth-file`` reads: token, name, uid, groups."""
    lines = [
        f'{user.token},{user.name},{user.name},"{",".join(user.groups)}"'
        for user in (users.admin, users.dns)
    ]
    path.write_text("\n".join(lines) + "\n")


def write_kubeconfig(path: Path, *, server: str, ca: Path, user: dict[str, str]) -> Path:
    """Write a kubeconfig file and return its path.

    Args:
        path: The file, made or replaced.
        server: URL of the API server.
        ca: PEM file of the CA to trust.
        user: The user entry, such as ``{"token": ...}`` or ``{"tokenFile": ...}``.
    """
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "e2e",
        "clusters": [
            {"name": "e2e", "cluster": {"server": server, "certificate-authority": str(ca)}}
        ],
        "users": [{"name": "e2e", "user": user}],
        "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}],
    }
    path.write_text(json.dumps(config, indent=2) + "\n")  # JSON is YAML
    return path
