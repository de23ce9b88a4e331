"""The list and watch of one resource, without a server: what is asked, and what becomes of answers.

Time stands still unless a test moves it; chance is 0.5 unless a test says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import pytest

from kubedns_py.cluster.listing import PORTION_OCTETS
from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.reflector import (
    ListRequest,
    Reflector,
    RelistReason,
    ResourceStatus,
    Wait,
    WatchRequest,
)
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.errors import ApiError
from tests.helpers.builders import (
    Json,
    a_bookmark,
    a_page,
    a_service_json,
    a_slice_json,
    an_error,
    an_event,
)
from tests.helpers.objects import address

START = 1000.0


def a_watch(version: str, resource: Resource = Resource.SERVICES) -> WatchRequest:
    """Return the request for a watch from a version, at a chance of 0.5."""
    return WatchRequest(resource, version, timeout_s=450)


def a_list(resource: Resource = Resource.SERVICES) -> ListRequest:
    """Return the request for a whole list."""
    return ListRequest(resource, 0, "")


def a_page_from(continue_token: str) -> ListRequest:
    """Return the request for a page; the first one has no token."""
    return ListRequest(Resource.SERVICES, 500, continue_token)


def a_service(name: str, ip: str = "10.96.0.1", version: str = "10") -> Json:
    """Return a Service with one address."""
    return a_service_json(f"{name}.shop", cluster_ips=[ip], version=version)


def a_slice(name: str) -> Json:
    """Return a slice with one endpoint."""
    return a_slice_json(f"{name}-1.shop", endpoints=["10.1.0.1"])


@dataclass
class Driver:
    """A reflector, its store, and a clock that moves when told."""

    resource: Resource = Resource.SERVICES
    now: float = START
    reflector: Reflector = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(lambda: None)
        self.reflector = Reflector(self.resource, self.store)

    @property
    def status(self) -> ResourceStatus:
        """How the resource fares."""
        return self.reflector.status

    def next(self, chance: float = 0.5) -> Wait | ListRequest | WatchRequest:
        """Return what to do now."""
        return self.reflector.next(self.now, chance)

    def request(self, chance: float = 0.5) -> ListRequest | WatchRequest:
        """Wait as long as we are told to, and return the request that follows."""
        action = self.next(chance)
        while isinstance(action, Wait):
            self.now += action.seconds
            action = self.next(chance)
        return action

    def waited(self, chance: float = 0.5) -> float:
        """Return the seconds to wait, 0.0 if there is no wait, and the clock past them."""
        before = self.now
        self.request(chance)
        return self.now - before

    def listed(self, *items: object, version: str = "100", continue_token: str = "") -> None:
        """Take a page of a list."""
        self.body(a_page(*items, version=version, continue_token=continue_token))

    def body(self, *parts: bytes) -> None:
        """Take the parts of a list to its end."""
        for part in parts:
            for _ in self.reflector.listed(part, self.now):
                pass
        for _ in self.reflector.list_ended(self.now):
            pass

    def events(self, *lines: bytes) -> list[bool]:
        """Take events; returns for each whether to go on."""
        return [self.reflector.event(line, self.now) for line in lines]

    def failed(self, status: int, detail: str = "", retry_after_s: float | None = None) -> None:
        """Let the request fail."""
        self.reflector.failed(ApiError(status, detail, retry_after_s=retry_after_s), self.now)

    def names(self) -> list[str]:
        """Return the names in the store."""
        return sorted(key.name for key in self.store.keys(self.resource))

    def ip(self, name: str) -> bytes:
        """Return a Service's first address."""
        service = self.store.service(Key("shop", name))
        assert service is not None
        return service.cluster_ips[0]


def lister(*items: object, version: str = "100", resource: Resource = Resource.SERVICES) -> Driver:
    """Return a driver that has listed."""
    driver = Driver(resource)
    driver.request()
    driver.listed(*items, version=version)
    return driver


def watcher(*items: object, version: str = "100") -> Driver:
    """Return a driver that has listed and opened its watch."""
    driver = lister(*items, version=version)
    driver.request()
    driver.reflector.opened(driver.now)
    return driver


def pager() -> Driver:
    """Return a driver that is asked for a first page, as a whole list was too much."""
    driver = Driver()
    driver.request()
    driver.failed(500, "etcdserver: request timed out")
    assert driver.request() == a_page_from("")
    return driver


# -- the first complete state


def test_the_first_request_is_a_list_of_everything() -> None:
    """Architecture: one request, consistent, at once."""
    driver = Driver()

    assert driver.next() == a_list()
    assert driver.status.relists == {"start": 1}


@pytest.mark.parametrize("resource", [Resource.SERVICES, Resource.ENDPOINTSLICES])
def test_a_first_list_enters_the_store_as_it_comes(resource: Resource) -> None:
    """T-60: nobody answers from it yet, and half a state is never taken for synced."""
    driver = Driver(resource)
    driver.request()
    make = a_service if resource is Resource.SERVICES else a_slice
    page = a_page(*(make(f"a{n}") for n in range(2_000)))
    half = len(page) // 2

    counts = [0]
    for part in (page[:half], page[half:]):
        counts += [len(driver.names()) for _ in driver.reflector.listed(part, driver.now)]
        assert not driver.status.synced
    most = PORTION_OCTETS * 2_000 // len(page)
    assert 0 < max(after - before for before, after in pairwise(counts)) <= 1.2 * most
    for _ in driver.reflector.list_ended(driver.now):
        assert not driver.status.synced

    assert (len(driver.names()), driver.status.synced) == (2_000, True)
    assert driver.next() == a_watch("100", resource)


def test_what_a_first_list_said_that_broke_off_is_taken_out_again() -> None:
    """F-10: the store is what the list says that was complete, whatever entered before it."""
    driver = Driver()
    driver.request()
    page = a_page(*(a_service(f"a{n}") for n in range(2_000)))
    for _ in driver.reflector.listed(page[: len(page) // 2], driver.now):
        pass
    assert len(driver.names()) > 500
    driver.failed(0, "reset")
    driver.request()

    driver.listed(a_service("a0"), a_service("a1", "10.96.0.9", version="11"), a_service("b"))

    assert driver.names() == ["a0", "a1", "b"]
    assert driver.ip("a1") == address("10.96.0.9")
    assert driver.status.synced


def test_what_a_first_list_left_is_gone_where_the_resource_is_refused_then() -> None:
    """F-12: Services are answered without it; a list that is granted later enters as a whole."""
    driver = Driver(Resource.ENDPOINTSLICES)
    driver.request()
    page = a_page(*(a_slice(f"a{n}") for n in range(2_000)))
    for _ in driver.reflector.listed(page[: len(page) // 2], driver.now):
        pass
    assert driver.names()
    driver.failed(0, "reset")
    driver.request()

    driver.failed(403, "Forbidden")
    assert driver.names() == []

    driver.request()
    for _ in driver.reflector.listed(page, driver.now):
        assert driver.names() == []
    for _ in driver.reflector.list_ended(driver.now):
        pass
    assert (len(driver.names()), driver.status.synced) == (2_000, True)


def test_pages_are_asked_for_anew_when_they_are_refused_between() -> None:
    """F-12: nothing of the first page is lost with what is taken out."""
    driver = pager()
    driver.listed(a_service("a"), continue_token="two")
    driver.request()
    driver.failed(403, "Forbidden")

    assert driver.request() == a_page_from("")
    driver.listed(a_service("a"), a_service("b"))
    assert driver.names() == ["a", "b"]


def test_an_object_that_is_twice_in_a_first_list_is_what_was_said_last() -> None:
    """F-08: pages overlap when something moved from one to the next."""
    for between in ((), [a_service(f"a{n}") for n in range(2_000)]):
        driver = Driver()
        driver.request()
        twice = (a_service("x", "10.96.0.1"), *between, a_service("x", "10.96.0.2", version="11"))
        driver.listed(*twice)

        assert driver.ip("x") == address("10.96.0.2")


def test_a_list_after_it_enters_the_store_when_it_is_complete() -> None:
    """Ecosystem 1.6 step 2: what is answered from is never half a state."""
    driver = watcher(a_service("old"))
    driver.failed(410)
    driver.request()
    page = a_page(*(a_service(f"a{n}") for n in range(2_000)), version="200")

    assert list(driver.reflector.listed(page, driver.now))
    assert driver.names() == ["old"]
    for _ in driver.reflector.list_ended(driver.now):
        pass

    assert len(driver.names()) == 2_000


def test_objects_are_the_same_wherever_a_list_is_parted() -> None:
    """Packets know nothing of objects; neither does an odd object hide the others."""
    driver = Driver()
    driver.request()
    items = [a_service(f"a{n}") for n in range(900)]
    page = a_page(*items[:450], a_service("b", "nonsense"), {"metadata": 7}, *items[450:])

    driver.body(*(page[start : start + 1_000] for start in range(0, len(page), 1_000)))

    assert driver.names() == sorted(["b", *(f"a{n}" for n in range(900))])
    assert driver.status.bad_objects == {
        ("Service", "cluster-ip-invalid"): 1,
        ("Service", "type"): 1,
    }


def test_a_list_that_is_written_otherwise_is_read_at_its_end() -> None:
    """Only its form lets objects be told before it ends; its meaning does not depend on it."""
    items = [a_service(f"a{n}") for n in range(900)]
    odd = [{"kind": "Service"} | each for each in items]
    nested = [each | {"status": [{"metadata": {}}, {"metadata": {}}]} for each in items]
    for page in (
        msgspec.json.format(a_page(*items)),
        a_page(*odd),
        a_page(*items[:600], *nested),
        a_page({"metadata": 7, "more": [{"metadata": {}}, {"metadata": {}}]}, *nested, *items),
    ):
        driver = Driver()
        driver.request()
        driver.body(*(page[start : start + 10_000] for start in range(0, len(page), 10_000)))

        assert driver.names() == sorted(f"a{n}" for n in range(900))


@pytest.mark.parametrize("status", [400, 500, 501, 504])
def test_a_server_that_cannot_list_at_once_is_asked_for_pages_from_then_on(status: int) -> None:
    """Ecosystem 1.6 step 3: the whole may take longer than what is between lets it."""
    driver = Driver()
    driver.request()
    driver.failed(status, "internal error")

    assert driver.request() == a_page_from("")
    driver.listed(a_service("a"))
    assert driver.next() == a_watch("100")
    driver.failed(410)
    assert driver.request() == a_page_from("")


def test_a_list_that_breaks_off_is_asked_for_in_pages() -> None:
    """F-05: what came of it is not kept, for the pages are of another moment."""
    driver = Driver()
    driver.request()
    page = a_page(*(a_service(f"a{n}") for n in range(1_500)))
    for _ in driver.reflector.listed(page[: len(page) // 2], driver.now):
        pass
    driver.failed(0, "reset")

    assert driver.request() == a_page_from("")
    driver.listed(a_service("b"))
    assert driver.names() == ["b"]


def test_a_list_that_is_cut_short_and_ends_in_order_is_asked_for_in_pages() -> None:
    """F-16: what is between does so with too much; the whole would never come."""
    driver = Driver()
    driver.request()
    page = a_page(*(a_service(f"a{n}") for n in range(2_000)))
    driver.body(page[: len(page) // 2])

    assert not driver.status.synced
    assert driver.request() == a_page_from("")


def test_a_server_that_is_silent_about_a_list_is_asked_for_pages() -> None:
    """F-04: it was reached and did not say a word; a page is made sooner."""
    driver = Driver()
    driver.request()
    driver.reflector.failed(ApiError(0, "no data for 60 s", silent=True), driver.now)

    assert driver.request() == a_page_from("")
    assert driver.status.last_error == "no data for 60 s"


@pytest.mark.parametrize("status", [0, 401, 403, 404, 429, 503])
def test_a_server_that_lists_nothing_is_asked_for_the_whole_again(status: int) -> None:
    """F-01, F-12: that says nothing of how much it can list."""
    driver = Driver()
    driver.request()
    driver.failed(status)

    assert isinstance(driver.next(), Wait)
    assert driver.request() == a_list()


def test_it_is_synced_after_the_last_page() -> None:
    """Ecosystem 1.6 step 3."""
    driver = pager()

    driver.listed(a_service("a"), version="100", continue_token="two")
    assert (driver.names(), driver.status.synced) == (["a"], False)
    assert driver.next() == a_page_from("two")
    driver.listed(a_service("b"), version="100")

    assert (driver.names(), driver.status.synced) == (["a", "b"], True)
    assert driver.next() == a_watch("100")


def test_a_page_is_worked_off_in_portions() -> None:
    """F-06: others run in between; the event loop is never held for a whole page."""
    for page in (
        a_page(*(a_service(f"a{n}") for n in range(1_500)), continue_token="two"),
        a_page(
            *({"kind": "Service"} | a_service(f"a{n}") for n in range(1_500)), continue_token="two"
        ),
    ):
        driver = pager()
        portions = sum(1 for _ in driver.reflector.listed(page, driver.now))
        portions += sum(1 for _ in driver.reflector.list_ended(driver.now))

        assert portions == pytest.approx(len(page) / PORTION_OCTETS, abs=2)


def test_a_complete_state_enters_the_store_in_portions() -> None:
    """F-06: others run while it does, and it is being listed until all of it is there."""
    driver = watcher()
    driver.failed(410)
    driver.request()
    page = a_page(*(a_service(f"a{n}") for n in range(500)), version="200")
    for _ in driver.reflector.listed(page, driver.now):
        pass
    counts = [0]
    for _ in driver.reflector.list_ended(driver.now):
        counts.append(len(driver.names()))
        assert driver.reflector.relisting is RelistReason.EXPIRED

    assert max(after - before for before, after in pairwise(counts)) <= 50
    assert (len(driver.names()), driver.status.synced) == (500, True)


def test_a_page_that_fails_is_asked_for_again() -> None:
    """Row F-10: what was listed already is not asked for twice."""
    driver = pager()
    driver.listed(a_service("a"), continue_token="two")
    driver.request()
    driver.failed(502, "<html>")

    assert driver.request() == a_page_from("two")
    driver.listed(a_service("b"))
    assert driver.names() == ["a", "b"]


def test_an_expired_continue_token_starts_the_list_over_without_pages() -> None:
    """F-08: at once: the whole has one version, and nothing that could expire."""
    driver = pager()
    driver.listed(a_service("a"), continue_token="two")
    driver.request()
    driver.failed(410, "the provided continue parameter is too old")

    assert driver.next() == a_list()
    driver.listed(a_service("b"))
    assert driver.names() == ["b"]


def test_a_continue_token_that_comes_twice_is_not_followed() -> None:
    """F-16, F-22: a list without end is an error with backoff, not a hot loop."""
    driver = pager()
    driver.listed(a_service("a"), continue_token="two")
    driver.request()
    driver.listed(a_service("b"), continue_token="two")

    assert isinstance(driver.next(), Wait)
    assert driver.status.decode_errors == 1
    assert driver.request() == a_page_from("")
    driver.listed(a_service("c"))
    assert driver.names() == ["c"]


def test_a_list_that_is_gone_twice_waits() -> None:
    """F-08: no hot loop against a server that has lost its mind."""
    driver = pager()
    driver.listed(a_service("a"), continue_token="two")
    driver.request()
    driver.failed(410)
    assert driver.next() == a_list()
    driver.failed(410)

    assert isinstance(driver.next(), Wait)


def test_a_page_without_items_is_no_empty_cluster() -> None:
    """F-16: an object of another kind, or a body cut short, removes nothing."""
    driver = watcher(a_service("a"))
    driver.events(an_error(410))
    driver.request()

    for body in (b"{}", b'{"metadata":{"resourceVersion":"7"}}', b'{"items":[]}', b"<html>"):
        driver.body(body)
        driver.request()

    assert driver.names() == ["a"]
    assert driver.status.decode_errors == 4


def test_a_null_list_is_an_empty_cluster() -> None:
    """Ecosystem 1.4: Go writes null for no items."""
    driver = lister(a_service("a"))
    driver.request()
    driver.failed(410)
    driver.request()
    driver.body(b'{"metadata":{"resourceVersion":"7"},"items":null}')

    assert driver.names() == []


# -- changes


def test_the_watch_goes_on_from_the_version_of_every_event() -> None:
    """Ecosystem 1.6 step 4: bookmarks included (F-21)."""
    driver = watcher()
    driver.now += 400
    driver.events(an_event("ADDED", a_service("a", version="105")))
    driver.reflector.ended(driver.now)
    assert driver.next() == a_watch("105")

    driver.reflector.opened(driver.now)
    driver.events(a_bookmark("120"))
    driver.now += 20
    driver.reflector.ended(driver.now)
    assert driver.next() == a_watch("120")
    assert driver.status.watch_restarts == 1
    assert driver.status.events == {"ADDED": 1, "BOOKMARK": 1}


def test_events_of_every_order_end_in_the_right_state() -> None:
    """F-18: ADDED for a known object, MODIFIED and DELETED for an unknown one, duplicates."""
    driver = watcher(a_service("a"), a_service("b"))

    driver.events(
        an_event("ADDED", a_service("a", "10.96.0.9", version="101")),
        an_event("MODIFIED", a_service("c", version="102")),
        an_event("DELETED", a_service("d", version="103")),
        an_event("DELETED", a_service("b", version="104")),
        an_event("DELETED", a_service("b", version="104")),
    )

    assert driver.names() == ["a", "c"]
    assert driver.ip("a") == address("10.96.0.9")


def test_a_lost_deletion_is_repaired_by_the_next_list() -> None:
    """F-18, F-25, LIF-10: one relist, and the object is gone; the others are not touched."""
    driver = watcher(a_service("a"), a_service("b"))
    driver.store.take_changes()
    driver.failed(410)
    driver.request()

    driver.listed(a_service("a"), version="200")

    assert driver.names() == ["a"]
    assert list(driver.store.take_changes().services) == [Key("shop", "b")]


def test_an_event_older_than_its_object_is_ignored() -> None:
    """F-19: versions that are numbers of any length can be compared."""
    driver = watcher(a_service("a", "10.96.0.9", version="99"), version="99")

    driver.events(
        an_event("MODIFIED", a_service("a", "10.96.0.1", version="1001")),
        an_event("MODIFIED", a_service("a", "10.96.0.2", version="999")),
        an_event("DELETED", a_service("a", version="998")),
    )

    assert driver.ip("a") == address("10.96.0.1")
    assert driver.status.stale_events == 2


def test_a_late_event_does_not_bring_a_deleted_object_back() -> None:
    """F-19: what was deleted, or was not in the list, did not exist before."""
    driver = watcher(a_service("a"))

    driver.events(
        an_event("DELETED", a_service("a", version="102")),
        an_event("MODIFIED", a_service("a", version="101")),
        an_event("ADDED", a_service("b", version="50")),
    )

    assert driver.names() == []


def test_versions_that_are_no_numbers_are_not_compared() -> None:
    """F-19: the last write wins."""
    driver = watcher(a_service("a", version="zz"), version="x")

    driver.events(an_event("MODIFIED", a_service("a", "10.96.0.2", version="aa")))

    assert driver.ip("a") == address("10.96.0.2")
    assert driver.status.stale_events == 0


def test_an_old_event_does_not_turn_the_watch_back() -> None:
    """F-19: the next watch begins after the newest version seen."""
    driver = watcher(version="100")
    driver.events(
        an_event("ADDED", a_service("a", version="120")),
        an_event("ADDED", a_service("b", version="110")),
    )
    driver.now += 2
    driver.reflector.ended(driver.now)

    assert driver.names() == ["a", "b"]
    assert driver.next() == a_watch("120")


def test_an_object_made_anew_under_its_name_replaces_the_old_one() -> None:
    """F-20: delete and create may arrive as one update."""
    driver = watcher(a_service("a", "10.96.0.1"))

    new = a_service_json("a.shop", cluster_ips=["None"], version="105", meta={"uid": "other"})
    driver.events(an_event("MODIFIED", new))

    service = driver.store.service(Key("shop", "a"))
    assert service is not None
    assert service.cluster_ips == ()


def test_unknown_events_and_foreign_objects_are_passed_over() -> None:
    """F-21: a Table, a Status, a type of tomorrow; the watch goes on."""
    driver = watcher(a_service("a"))

    going_on = driver.events(
        an_event("SHUFFLED", {"x": 1}),
        an_event("ADDED", {"kind": "Table", "rows": []}),
        an_event("MODIFIED", {"kind": "Status", "code": 500}),
        an_event("BOOKMARK", {"kind": "Service"}),
        an_event("BOOKMARK", {"metadata": 5}),
        an_event("ADDED", a_service("b", version="101")),
    )

    assert going_on == [True] * 6
    assert driver.names() == ["a", "b"]
    assert driver.status.events["other"] == 1
    assert driver.status.bad_objects == {("Service", "kind"): 2}


def test_a_slice_that_loses_its_service_is_removed() -> None:
    """HDL-30: an object that decodes to nothing takes its earlier version away."""
    one = a_slice_json("web-1.shop", endpoints=["10.1.0.1"], version="90")
    driver = lister(one, resource=Resource.ENDPOINTSLICES)
    driver.request()
    driver.reflector.opened(driver.now)
    assert driver.names() == ["web-1"]

    orphan = a_slice_json("web-1.shop", service=None, endpoints=["10.1.0.1"], version="101")
    driver.events(an_event("MODIFIED", orphan))

    assert driver.names() == []
    assert driver.status.bad_objects == {("EndpointSlice", "no-service-label"): 1}
    assert driver.reflector.take_complaints() == []


# -- objects that cannot be read


def an_unreadable_service(name: str, version: str = "101") -> Json:
    """Return a Service of which only the name can be read."""
    document = a_service(name, version=version)
    document["spec"]["ports"] = "many"
    return document


def test_an_unreadable_object_keeps_its_last_good_version() -> None:
    """F-17, ecosystem 1.6 step 9: in an event, and in the list that follows."""
    driver = watcher(a_service("a", "10.96.0.7"), a_service("b"))

    assert driver.events(an_event("MODIFIED", an_unreadable_service("a"))) == [True]
    driver.failed(410)
    driver.request()
    driver.listed(an_unreadable_service("a"), b'{"no":"name"}', a_service("b"), version="200")

    assert driver.names() == ["a", "b"]
    assert driver.ip("a") == address("10.96.0.7")
    assert driver.status.bad_objects == {("Service", "type"): 2, ("Service", "no-name"): 1}


def test_an_object_is_complained_about_once() -> None:
    """F-17: a WARN for each object, however often it comes by; anew when it was well between."""
    driver = watcher()
    bad = an_unreadable_service("a")

    driver.events(an_event("ADDED", bad), an_event("MODIFIED", bad))
    (line,) = driver.reflector.take_complaints()
    assert line.startswith("Service shop/a: type: ")
    assert driver.reflector.take_complaints() == []

    driver.events(an_event("MODIFIED", a_service("a", version="110")))
    driver.events(an_event("MODIFIED", an_unreadable_service("a", "111")))
    assert len(driver.reflector.take_complaints()) == 1


def test_many_complaints_are_a_number() -> None:
    """F-17: a cluster full of odd objects does not flood the log."""
    driver = lister(*(an_unreadable_service(f"a{n}") for n in range(50)))

    lines = driver.reflector.take_complaints()

    assert len(lines) == 21
    assert lines[-1] == "and 30 more objects"


def test_parts_left_out_are_counted_and_complained_about() -> None:
    """F-17, CIP-12: by kind and reason."""
    driver = lister(a_service_json("a.shop", cluster_ips=["nonsense", "10.96.0.1"], version="9"))

    assert driver.status.bad_objects == {("Service", "cluster-ip-invalid"): 1}
    assert driver.reflector.take_complaints() == [
        "Service shop/a: left out: cluster-ip-invalid",
    ]


def test_hostile_names_are_escaped_and_cut() -> None:
    """Reliability 4.3: no control character and no page of text reaches the log."""
    driver = lister({"metadata": {"name": "x\n\x1b[31m" + "y" * 500, "namespace": "shop"}})

    (line,) = driver.reflector.take_complaints()

    assert line.isprintable()
    assert line.startswith(r"Service shop/x\n\x1b[31myyy")
    assert len(line) < 500


@pytest.mark.parametrize(
    "line",
    [b"<html>", b'{"type":"ADDED","obj', b'{"type":"ADDED","object":{"a":"\xff"', b"\xff", b"{}"],
    ids=["html", "cut", "cut in a text", "no text", "no type"],
)
def test_a_line_that_is_no_event_leads_to_a_list(line: bytes) -> None:
    """F-16: nothing is lost: the stream is dropped, and the state asked for anew after a wait."""
    driver = watcher(a_service("a"))

    assert driver.events(line) == [False]

    assert driver.status.decode_errors == 1
    assert driver.reflector.relisting is RelistReason.UNREADABLE
    assert isinstance(driver.next(), Wait)
    assert driver.request() == a_list()
    assert driver.names() == ["a"]


def test_an_object_of_broken_text_is_one_bad_object() -> None:
    """F-16, F-17: the line itself is whole; the others are served."""
    driver = watcher(a_service("a"))
    broken = b'{"metadata":{"name":"\xff\xfe","namespace":"shop"}}'

    assert driver.events(an_event("ADDED", broken)) == [True]

    assert driver.status.bad_objects == {("Service", "json"): 1}
    assert driver.names() == ["a"]


def test_a_deletion_without_a_name_leads_to_a_list() -> None:
    """LIF-10: something is gone, and only a list says what."""
    driver = watcher(a_service("a"))

    assert driver.events(an_event("DELETED", {"metadata": None})) == [False]

    assert driver.request() == a_list()


# -- failures


def test_waits_grow_from_0_8_to_30_seconds() -> None:
    """F-01 to F-03: 0.8 s, doubled each time, at most 30 s; half to all of it by chance."""
    driver = watcher()
    waits = []
    for _ in range(8):
        driver.failed(503)
        waits.append(round(driver.waited(chance=1.0), 3))

    assert waits == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]

    driver.failed(503)
    assert driver.waited(chance=0.0) == pytest.approx(15.0)


def test_waits_begin_anew_after_two_minutes_of_health() -> None:
    """Ecosystem 1.6 step 5: and not before."""
    driver = watcher()
    for _ in range(4):
        driver.failed(0, "connection refused")
        driver.request()
    driver.reflector.opened(driver.now)
    driver.now += 119
    driver.failed(0, "reset")
    assert driver.waited(chance=1.0) == pytest.approx(12.8)

    driver.reflector.opened(driver.now)
    driver.now += 121
    driver.failed(0, "reset")
    assert driver.waited(chance=1.0) == pytest.approx(0.8)


def test_a_server_away_before_the_first_sync_is_asked_every_two_seconds() -> None:
    """F-01: ready within 2 s after the API server is there."""
    driver = Driver()
    for _ in range(9):
        assert driver.request(chance=1.0) == a_list()
        driver.failed(0, "https://10.96.0.1:443: Connection refused (errno 111)")
    assert driver.waited(chance=1.0) == pytest.approx(2.0)

    assert not driver.status.synced
    assert driver.status.api_errors == {0: 9}
    assert driver.status.last_error == "https://10.96.0.1:443: Connection refused (errno 111)"


def test_a_server_away_later_costs_no_data_and_no_list() -> None:
    """F-02, F-25: the watch is taken up where it was, and the store is as it was."""
    driver = watcher(a_service("a"))
    driver.now += 10
    for _ in range(100):
        driver.failed(0, "connection refused")
        assert driver.request() == a_watch("100")

    assert driver.now > START + 30 * 60
    assert driver.names() == ["a"]
    assert driver.status.synced
    assert driver.status.last_contact == START
    assert driver.status.relists == {"start": 1}


def test_a_flapping_server_is_asked_less_than_once_in_four_seconds() -> None:
    """F-03: it comes and goes every 5 s for 10 minutes; no list, and 0.25 requests a second."""
    driver = watcher(a_service("a"))
    requests = 0
    while driver.now < START + 600:
        driver.request()
        requests += 1
        if int(driver.now / 5) % 2:
            driver.failed(0, "connection refused")
        else:
            driver.reflector.opened(driver.now)
            driver.now += 5
            driver.failed(0, "connection reset")

    assert requests <= 150
    assert driver.status.relists == {"start": 1}


@pytest.mark.parametrize("in_stream", [False, True])
def test_an_expired_version_leads_to_a_list(*, in_stream: bool) -> None:
    """F-07: 410 as the status of the watch, or as an ERROR event in it."""
    driver = watcher(a_service("a"))
    if in_stream:
        assert driver.events(an_error(410, "too old resource version", reason="Expired")) == [False]
    else:
        driver.failed(410, "Expired")

    assert driver.request() == a_list()
    assert driver.status.relists == {"start": 1, "expired": 1}
    assert driver.names() == ["a"]

    driver.listed(a_service("b"), version="300")
    assert driver.names() == ["b"]
    assert driver.next() == a_watch("300")


def test_an_outage_does_not_delay_the_list_after_it() -> None:
    """F-07, F-27: the server is there again; only the spread is waited for."""
    driver = watcher(a_service("a"))
    for _ in range(9):
        driver.failed(0, "connection refused")
        driver.request()
    driver.failed(410, "Expired")

    assert driver.waited(chance=0.0) == pytest.approx(0.4)


def test_a_version_that_expires_again_and_again_waits_longer() -> None:
    """F-07: a list that is outdated when it arrives is no reason for a hot loop."""
    driver = watcher(a_service("a"))
    waits = []
    for n in range(6):
        driver.failed(410, "Expired")
        waits.append(round(driver.waited(chance=0.0), 3))
        driver.listed(a_service("a"), version=str(200 + n))
        driver.request()

    assert waits == [0.4, 0.8, 1.6, 3.2, 6.4, 12.8]


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (504, "Timeout: Too large resource version: 1000, current: 500"),
        (500, "Too large resource version: 1000, current: 500"),
    ],
)
def test_a_version_from_the_future_leads_to_a_list(status: int, detail: str) -> None:
    """F-23: the server was restored from a backup, or lags behind (F-24)."""
    driver = watcher(a_service("a"), version="1000")
    driver.failed(status, detail)

    assert driver.request() == a_list()
    driver.listed(a_service("b", version="400"), version="500")
    assert driver.names() == ["b"]
    assert driver.next() == a_watch("500")
    assert driver.status.relists["too-large-version"] == 1
    assert driver.reflector.take_complaints() == [
        (
            "List 500: the server's resource version went back from 1000: was it restored from a"
            " backup?"
        ),
    ]


def test_after_a_restore_new_events_count_although_their_numbers_are_smaller() -> None:
    """F-23: a list starts the order of versions anew."""
    driver = watcher(a_service("a", version="990"), version="1000")
    driver.failed(504, "Too large resource version")
    driver.request()
    driver.listed(a_service("a", version="400"), version="500")
    driver.request()
    driver.reflector.opened(driver.now)

    driver.events(an_event("MODIFIED", a_service("a", "10.96.0.5", version="501")))

    assert driver.ip("a") == address("10.96.0.5")


def test_a_bookmark_that_goes_back_leads_to_a_list() -> None:
    """F-23: in one stream the version never goes back."""
    driver = watcher(a_service("a"), version="1000")

    assert driver.events(a_bookmark("999")) == [False]

    assert driver.status.relists["version-went-back"] == 1
    assert driver.request() == a_list()


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_server_is_given_the_time_it_asks_for(status: int) -> None:
    """F-09: at least that time, a fifth more by chance, and no list."""
    driver = watcher(a_service("a"))

    driver.failed(status, "slow down", retry_after_s=5)

    assert driver.waited(chance=0.0) == pytest.approx(5.0)
    assert driver.status.relists == {"start": 1}
    driver.failed(status, retry_after_s=5)
    assert driver.waited(chance=1.0) == pytest.approx(6.0)
    assert driver.status.api_errors == {status: 2}


def test_an_absurd_wish_to_wait_is_cut() -> None:
    """F-09: five minutes are enough for any server."""
    driver = watcher()

    driver.failed(429, retry_after_s=1e9)

    assert driver.waited(chance=0.0) == pytest.approx(300.0)


def test_a_wish_to_wait_may_come_in_the_stream() -> None:
    """F-09: a Status in an ERROR event carries it too."""
    driver = watcher()
    status = {"code": 429, "message": "slow down", "details": {"retryAfterSeconds": 7}}

    driver.events(an_event("ERROR", status))

    assert driver.waited(chance=0.0) == pytest.approx(7.0)
    assert driver.next() == a_watch("100")


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_broken_server_is_listed_after_the_third_time(status: int) -> None:
    """F-10: the watch is tried again first; a version that always fails does not hold us."""
    driver = watcher(a_service("a"))
    for _ in range(2):
        driver.failed(status, "<html>")
        assert driver.request() == a_watch("100")
    driver.failed(status, "<html>")

    assert driver.request() == a_list()
    assert driver.status.relists["error"] == 1


def test_an_error_event_without_a_status_is_an_error() -> None:
    """F-07, ecosystem 1.2: an ERROR event may be anything."""
    driver = watcher()

    assert driver.events(an_event("ERROR", [1]), an_event("ERROR", {})) == [False, False]

    assert driver.status.api_errors == {0: 2}


@pytest.mark.parametrize(
    ("status", "resource", "expected"),
    [
        (
            403,
            Resource.ENDPOINTSLICES,
            (
                "list endpointslices.discovery.k8s.io is forbidden (403): let the service account"
                " list and watch endpointslices.discovery.k8s.io (ClusterRole); the API server"
                " says: no"
            ),
        ),
        (
            404,
            Resource.ENDPOINTSLICES,
            (
                "list endpointslices.discovery.k8s.io: the API server does not serve it (404): use"
                " Kubernetes 1.21 or later or start with --endpoints-api=endpoints; the API server"
                " says: no"
            ),
        ),
    ],
)
def test_a_refusal_says_what_to_do_and_is_forgotten_on_success(
    status: int, resource: Resource, expected: str
) -> None:
    """F-12, F-15: never fatal; unready by never having synced."""
    driver = Driver(resource)
    driver.request()
    driver.failed(status, "no")
    assert driver.status.refused == expected
    assert not driver.status.synced

    driver.request()
    driver.listed()
    assert driver.status.refused is None


def test_a_refused_watch_names_the_verb() -> None:
    """F-12: the verb that is missing."""
    driver = lister()
    driver.request()
    driver.failed(403, "no")

    assert driver.status.refused is not None
    assert driver.status.refused.startswith("watch services is forbidden")
    assert driver.status.synced
    driver.request()
    driver.reflector.opened(driver.now)
    assert driver.status.refused is None


def test_a_rejected_token_is_retried_with_growing_waits() -> None:
    """F-11: the source has read the token again already; here it is a failure like others."""
    driver = watcher(a_service("a"))
    driver.failed(401, "Unauthorized")

    assert driver.waited(chance=1.0) == pytest.approx(0.8)
    assert driver.next() == a_watch("100")
    assert driver.status.api_errors == {401: 1}


def test_replicas_with_data_spread_their_lists_over_ten_seconds() -> None:
    """F-27: by chance from nothing to 10 s; the first sync waits for nobody."""
    waits = []
    for chance in (0.3, 0.6, 1.0):
        driver = watcher(a_service("a"))
        driver.failed(410)
        waits.append(round(driver.waited(chance), 3))

    assert waits == [3.0, 6.0, 10.0]


def test_an_ended_watch_is_opened_again_at_once() -> None:
    """Ecosystem 1.6 step 4: a normal end costs nothing."""
    driver = watcher()
    driver.now += 310
    driver.reflector.ended(driver.now)

    assert driver.next() == a_watch("100")


def test_watches_ask_for_an_end_after_five_to_ten_minutes() -> None:
    """Ecosystem 1.6 step 4: random, so that replicas do not end together."""
    driver = lister()

    requests = [driver.next(chance) for chance in (0.0, 0.999)]

    assert [each.timeout_s for each in requests if isinstance(each, WatchRequest)] == [300, 599]


def test_a_watch_that_ends_within_a_second_is_a_failure() -> None:
    """F-22: with growing waits; events in it or not."""
    driver = watcher()
    waits = []
    for _ in range(3):
        driver.events(a_bookmark("100"))
        driver.now += 0.2
        driver.reflector.ended(driver.now)
        waits.append(round(driver.waited(chance=1.0), 3))
        driver.reflector.opened(driver.now)

    assert waits == [0.8, 1.6, 3.2]
    assert driver.status.short_watches == 3


def test_a_watch_that_the_server_does_not_end_is_ended() -> None:
    """LIF-11: otherwise no audit would ever come."""
    driver = watcher(version="100")
    assert driver.reflector.deadline == START + 450 + 30

    driver.now = driver.reflector.deadline
    driver.reflector.ended(driver.now)

    assert driver.request() == a_list()


# -- the audit


def test_the_end_of_a_watch_after_eight_minutes_leads_to_an_audit() -> None:
    """LIF-11: every 8 to 18 minutes, without a wait; equal data change nothing."""
    driver = watcher(a_service("a"))
    driver.store.take_changes()
    driver.now += 479
    driver.reflector.ended(driver.now)
    assert driver.next() == a_watch("100")

    driver.reflector.opened(driver.now)
    driver.now += 301
    driver.reflector.ended(driver.now)
    assert driver.next() == a_list()
    driver.listed(a_service("a"), version="100")

    assert driver.status.relists == {"start": 1, "audit": 1}
    assert driver.status.drift == 0
    assert not driver.store.take_changes()


def test_watches_that_only_break_lead_to_an_audit_too() -> None:
    """LIF-11, F-27, F-41: late and spread, for all replicas lose their watches together."""
    driver = watcher(a_service("a"))
    while driver.status.relists == {"start": 1} and driver.now < START + 7200:
        driver.now += 149
        driver.failed(0, "no data for 150 s")
        request = driver.request(chance=1.0)
        driver.reflector.opened(driver.now)

    assert driver.status.relists == {"start": 1, "audit": 1}
    assert 2400 <= driver.now - START <= 2600
    assert request == a_list()
    assert driver.names() == ["a"]


def audited(driver: Driver, listed: Iterable[Json], version: str) -> int:
    """Let a watch end and return the drift that the audit finds."""
    driver.now += 500
    driver.reflector.ended(driver.now)
    assert driver.next() == a_list()
    driver.listed(*listed, version=version)
    return driver.status.drift


def test_an_audit_counts_what_was_missed() -> None:
    """LIF-10, LIF-11: a change and a deletion without an event; both are put right."""
    driver = watcher(a_service("a"), a_service("b"), a_service("c"), version="100")

    changed = a_service("b", "10.96.0.99", version="90")

    assert audited(driver, [a_service("a"), changed], "150") == 2
    assert driver.names() == ["a", "b"]
    assert driver.ip("b") == address("10.96.0.99")


def test_what_changed_after_the_end_of_the_watch_is_no_drift() -> None:
    """LIF-11: an object newer than the last event was not missed."""
    driver = watcher(a_service("a"), version="100")

    new = a_service("a", "10.96.0.99", version="120")

    assert audited(driver, [new], "150") == 0
    assert driver.ip("a") == address("10.96.0.99")


# -- what is measured


def test_the_size_and_duration_of_a_list_are_kept() -> None:
    """F-06: list_octets and list_seconds."""
    driver = Driver()
    driver.request()
    page = a_page(a_service("a"))
    for _ in driver.reflector.listed(page[:50], driver.now):
        pass
    driver.now += 7
    driver.body(page[50:])

    assert driver.status.list_seconds == pytest.approx(7.0)
    assert driver.status.list_octets == len(page)
    assert driver.status.last_contact == START + 7


def test_statuses_outside_of_http_are_not_labels() -> None:
    """The server cannot make a metric grow without end."""
    driver = watcher()
    driver.failed(77_777)
    driver.failed(-1)

    assert driver.status.api_errors == {0: 2}
