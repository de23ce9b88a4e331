"""What old data adds to an answer."""

from msgspec.structs import replace

from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import TXT, A, RRset, to_lines, txt
from kubedns_py.resolver.staleness import aged

WEB = RRset(from_text("web.prod.svc.cluster.local."), A, 30, (bytes((10, 96, 0, 10)),))


def test_an_old_answer_says_so_and_is_kept_for_five_seconds_at_most() -> None:
    """T-61: as data, TTL capped at 5, EDE 3."""
    version = RRset(from_text("dns-version.cluster.local."), TXT, 28800, (txt(b"1.1.0"),))

    reply = aged(Reply(0, authoritative=True, answer=(WEB,), additional=(version,)))

    assert [line for rrset in reply.answer for line in to_lines(rrset)] == [
        "web.prod.svc.cluster.local. 5 IN A 10.96.0.10"
    ]
    assert [rrset.ttl for rrset in reply.additional] == [5]
    assert reply.authoritative
    assert reply.ede is not None
    assert reply.ede.code == 3


def test_a_shorter_time_and_another_error_stay() -> None:
    """T-61: a TTL below 5 is not raised; RFC 8914, 3: the more telling code is sent."""
    loop = ExtendedError(0, "CNAME loop")

    reply = aged(Reply(2, authoritative=True, answer=(replace(WEB, ttl=1),), ede=loop))

    assert reply.answer[0].ttl == 1
    assert reply.ede == loop
