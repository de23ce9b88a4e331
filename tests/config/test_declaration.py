"""What follows from an option's declaration."""

from kubedns_py.config.declaration import Option
from kubedns_py.config.values import BOOLEAN


def test_the_environment_variable_follows_from_the_flag() -> None:
    """Contract: KUBEDNS_<FLAG>."""
    option = Option("dns-port", "dns_port", BOOLEAN, "false", help="A port.")

    assert option.environment == "KUBEDNS_DNS_PORT"
    assert option.aliases == ()
