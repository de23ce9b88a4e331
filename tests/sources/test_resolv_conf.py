"""resolv.conf: what is taken from it, what is passed over, and that nothing in it is fatal."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.sources.polling import Found, Unreadable
from kubedns_py.sources.resolv_conf import ResolvConf, read_file, read_resolv_conf, resolv_conf

NONE_LEFT = (
    "no nameserver that can be forwarded to; names outside the cluster are answered with SERVFAIL "
    "unless --nameservers or upstreamNameservers names one"
)

MISSING = "it cannot be read: No such file or directory"


def test_a_nodes_file_is_read() -> None:
    """resolv.conf(5)."""
    found = read_resolv_conf(
        "# made by dhcp\n"
        "; and by hand\n"
        "nameserver 10.0.0.2\n"
        "nameserver\tfd00::2 # the other\r\n"
        "\n"
        "search eu-west-1.compute.internal Corp.Example.\n"
        "options ndots:5 timeout:2 edns0\n"
        "sortlist 10.0.0.0/8\n"
    )

    assert found.nameservers == (Nameserver("10.0.0.2"), Nameserver("fd00::2"))
    assert found.search == ((b"eu-west-1", b"compute", b"internal"), (b"corp", b"example"))
    assert found.ndots == 5
    assert found.notices == ()


def test_of_several_lines_with_a_search_list_the_last_one_counts() -> None:
    """resolv.conf(5): the last instance wins; domain is a list of one."""
    found = read_resolv_conf("nameserver 10.0.0.2\nsearch a.example b.example\ndomain c.example\n")

    assert found.search == ((b"c", b"example"),)


def test_the_root_in_a_search_list_is_left_out() -> None:
    """Some nodes have "search ."; the name as it is comes last anyway."""
    found = read_resolv_conf("nameserver 10.0.0.2\nsearch . a.example\n")

    assert found.search == ((b"a", b"example"),)
    assert found.notices == ()


@pytest.mark.parametrize(
    ("options", "ndots"),
    [
        ("", 1),
        ("options", 1),
        ("options ndots:0", 0),
        ("options ndots:99", 15),
        ("options ndots:x", 1),
        ("options ndots:-1", 1),
        ("options ndots:2\noptions rotate", 2),
    ],
)
def test_ndots_is_one_and_at_most_fifteen(options: str, ndots: int) -> None:
    """resolv.conf(5): the default is 1; silently capped to 15."""
    assert read_resolv_conf(f"nameserver 10.0.0.2\n{options}\n").ndots == ndots


@pytest.mark.parametrize(
    "text",
    [
        "",
        "search corp.example\n",
        "nameserver\n",
        "# nameserver 10.0.0.2\n",
        "NAMESERVER 10.0.0.2\n",
    ],
)
def test_a_file_without_a_nameserver_is_none_and_says_so(text: str) -> None:
    """F-31: empty, search only: clear log, never fatal."""
    found = read_resolv_conf(text)

    assert found.nameservers == ()
    assert found.notices == (NONE_LEFT,)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.53", "127.0.0.53 is this machine's own"),
        ("::1", "::1 is this machine's own"),
        ("fe80::1%eth0", "'fe80::1%eth0': an address of one link only cannot be forwarded to"),
        ("dns.example", "'dns.example' is no address"),
        ("10.0.0.2:53", "'10.0.0.2:53' is no address"),
        ("0.0.0.0", "'0.0.0.0': the unspecified address is not the address of a server"),
    ],
)
def test_a_nameserver_that_cannot_be_used_is_passed_over_with_the_reason(
    address: str, reason: str
) -> None:
    """F-31: only loopback; an address of one link."""
    found = read_resolv_conf(f"nameserver {address}\n")

    assert found.nameservers == ()
    assert found.notices[0].startswith(f"nameserver {reason}")
    assert found.notices[1:] == (NONE_LEFT,)


def test_a_server_on_loopback_can_be_given_by_name() -> None:
    """F-31: the way out is in the line, for a host without a pod around it."""
    (notice, _) = read_resolv_conf("nameserver 127.0.0.53\n").notices

    assert notice.endswith("where a server listens there, give --nameservers=127.0.0.53")


def test_what_is_passed_over_does_not_hide_the_others() -> None:
    """F-31: one that can be used is used."""
    found = read_resolv_conf("nameserver 127.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.2\n")

    assert found.nameservers == (Nameserver("10.0.0.2"),)
    assert len(found.notices) == 1


def test_at_most_fifteen_nameservers_are_taken() -> None:
    """FWD-3: at most 15; glibc stops at three, CoreDNS does not."""
    found = read_resolv_conf("".join(f"nameserver 10.0.0.{number}\n" for number in range(1, 21)))

    assert len(found.nameservers) == 15
    assert found.notices == ("only the first 15 nameservers are used",)


def test_a_search_domain_that_is_none_is_passed_over() -> None:
    """RFC 1035, 2.3.4."""
    found = read_resolv_conf(f"nameserver 10.0.0.2\nsearch {'x' * 64}.example a.example\n")

    assert found.search == ((b"a", b"example"),)
    assert found.notices[0].startswith("search: 'xxx")


@given(
    st.lists(
        st.sampled_from(["nameserver", "search", "options", "ndots:", "\n", " ", "\0", "\x85"])
        | st.text(max_size=12)
    ).map(" ".join)
)
def test_any_text_is_a_value_of_printable_lines(text: str) -> None:
    """F-31: nothing in it is fatal."""
    found = read_resolv_conf(text)

    assert all(line.isprintable() for line in (str(found), *found.notices))


def test_a_file_is_read_as_text_whatever_its_octets_are(tmp_path: Path) -> None:
    """F-31: never fatal."""
    file = tmp_path / "resolv.conf"
    file.write_bytes(b"nameserver 10.0.0.2\n\xff\n")

    found = read_file(str(file))

    assert isinstance(found, Found)
    assert found.raw == "nameserver 10.0.0.2\n\\xff\n"


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """F-31: missing; a directory; larger than any."""
    big = tmp_path / "big"
    big.write_bytes(b"#" * 65_537)

    assert read_file(str(tmp_path / "none")) == Unreadable(MISSING)
    assert read_file(str(tmp_path)) == Unreadable("it cannot be read: Is a directory")
    assert read_file(str(big)) == Unreadable("it is larger than 64 KiB")


async def test_a_change_is_told_and_a_missing_file_keeps_what_it_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """FWD-12: re-read when it changes; F-30 for the moment in which it is replaced."""
    caplog.set_level(logging.INFO)
    told: list[ResolvConf] = []
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 10.0.0.2\n")
    polled = resolv_conf(str(file), period_s=10.0, on_change=told.append)
    await polled.start()

    file.unlink()
    await polled.look()
    assert not polled.kept.status.valid
    assert polled.kept.value.nameservers == (Nameserver("10.0.0.2"),)

    file.write_text("nameserver 10.0.0.3\n")
    await polled.look()

    assert [each.nameservers for each in told] == [
        (Nameserver("10.0.0.2"),),
        (Nameserver("10.0.0.3"),),
    ]
    source = f"--resolv-conf {file}: "
    assert [each.removeprefix(source) for each in caplog.messages] == [
        "in force: nameservers: 10.0.0.2:53",
        f"cannot be used: {MISSING}; still in force: nameservers: 10.0.0.2:53",
        "in force: nameservers: 10.0.0.3:53",
    ]


async def test_a_file_that_is_missing_at_the_start_is_no_nameserver(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F-31: missing."""
    told: list[ResolvConf] = []
    polled = resolv_conf(str(tmp_path / "none"), period_s=10.0, on_change=told.append)

    await polled.start()

    assert told == []
    assert polled.kept.value.nameservers == ()
    assert caplog.messages[0].endswith("; still in force: nameservers: none")
