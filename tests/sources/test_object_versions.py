"""Versions, pages and changes of a state, as an API server would give them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError
from kubedns_py.sources.object_versions import Identity, ObjectVersions, Wanted

SERVICES = Resource.SERVICES


def services(**fields: int) -> Wanted:
    """A state of Services ``name=value``."""
    return {
        SERVICES: {
            Identity("shop", name): b'{"metadata":{"name":"%s"},"x":%d}' % (name.encode(), value)
            for name, value in fields.items()
        }
    }


def events(versions: ObjectVersions, since: int) -> list[str]:
    """Events as ``TYPE name@version``."""
    read = [json.loads(each) for each in versions.events(SERVICES, since=since)]
    return [
        "{} {}@{}".format(each["type"], meta["name"], meta["resourceVersion"])
        for each in read
        for meta in [each["object"]["metadata"]]
    ]


def test_a_list_has_the_version_of_the_state_and_each_object_its_own() -> None:
    """What a reflector needs to watch from there."""
    versions = ObjectVersions().advanced(services(web=1, db=2))

    page = json.loads(versions.page(SERVICES, limit=0, continue_token=""))

    assert page == {
        "metadata": {"resourceVersion": "3", "continue": ""},
        "items": [
            {"metadata": {"resourceVersion": "2", "name": "db"}, "x": 2},
            {"metadata": {"resourceVersion": "3", "name": "web"}, "x": 1},
        ],
    }


def test_a_state_without_objects_is_a_state() -> None:
    """Its version is not 0, which means that nothing is known."""
    versions = ObjectVersions().advanced({})

    assert versions.page(SERVICES, limit=0, continue_token="") == (
        b'{"metadata":{"resourceVersion":"1","continue":""},"items":[]}'
    )


def test_an_equal_state_is_the_same_state() -> None:
    """No event, no new version."""
    versions = ObjectVersions().advanced(services(web=1))

    assert versions.advanced(services(web=1)) is versions


def test_a_list_comes_in_pages() -> None:
    """F-06: large lists are decoded in parts."""
    versions = ObjectVersions().advanced(services(a=1, b=1, c=1))

    first = json.loads(versions.page(SERVICES, limit=2, continue_token=""))
    token = first["metadata"]["continue"]
    second = json.loads(versions.page(SERVICES, limit=2, continue_token=token))

    assert [each["metadata"]["name"] for each in first["items"] + second["items"]] == [*"abc"]
    assert second["metadata"]["continue"] == ""


def test_a_continue_token_expires_with_the_state() -> None:
    """F-08: 410, and the list starts again."""
    versions = ObjectVersions().advanced(services(a=1, b=1))
    token = json.loads(versions.page(SERVICES, limit=1, continue_token=""))["metadata"]["continue"]

    with pytest.raises(ApiError) as caught:
        versions.advanced(services(a=1)).page(SERVICES, limit=1, continue_token=token)

    assert caught.value.status == 410


def test_events_say_what_changed_after_a_version_in_the_order_of_versions() -> None:
    """A watch that breaks off after any of them goes on with the next."""
    before = ObjectVersions().advanced(services(stays=1, changes=1, goes=1))
    after = before.advanced(services(stays=1, changes=2, comes=1))

    assert before.version == 4
    assert events(after, since=4) == ["MODIFIED changes@5", "ADDED comes@6", "DELETED goes@7"]
    assert events(after, since=5) == ["ADDED comes@6", "DELETED goes@7"]
    assert events(after, since=after.version) == []


def test_events_from_nothing_are_the_objects_that_are_there() -> None:
    """Deletions of what a client never saw are none of its business."""
    versions = ObjectVersions().advanced(services(goes=1, stays=1)).advanced(services(stays=1))

    assert events(versions, since=0) == ["ADDED stays@3"]


def test_an_object_that_comes_back_is_added() -> None:
    """Its deletion is forgotten with it."""
    there = ObjectVersions().advanced(services(web=1))
    gone = there.advanced(services())
    back = gone.advanced(services(web=1))

    assert events(back, since=there.version) == ["ADDED web@4"]
    assert events(back, since=gone.version) == ["ADDED web@4"]


def test_an_object_without_a_name_goes_without_an_event() -> None:
    """F-18: no client can have kept it; a deletion of nothing would make each of them list."""
    nameless = {SERVICES: {Identity("", "", "a.yaml", 0): b'{"metadata":{}}'}}
    versions = ObjectVersions().advanced(nameless)

    gone = versions.advanced({})

    assert gone.version == versions.version + 1
    assert list(gone.events(SERVICES, since=versions.version)) == []


def test_resources_do_not_share_objects() -> None:
    """One counter, but a watch of its own each."""
    pods: Wanted = {Resource.PODS: {Identity("shop", "web"): b'{"metadata":{"name":"web"}}'}}
    versions = ObjectVersions().advanced({**services(web=1), **pods})

    assert events(versions, since=0) == ["ADDED web@2"]
    assert json.loads(versions.page(Resource.PODS, limit=0, continue_token=""))["items"] == [
        {"metadata": {"resourceVersion": "3", "name": "web"}}
    ]


@pytest.mark.parametrize(
    ("octets", "sent"),
    [
        (b'{"metadata":null,"kind":"Pod"}', b'{"metadata":null,"kind":"Pod"}'),
        (b'{"metadata":{}}', b'{"metadata":{"resourceVersion":"2"}}'),
    ],
)
def test_an_object_without_metadata_goes_out_all_the_same(octets: bytes, sent: bytes) -> None:
    """F-17: the decoder says what is wrong with it."""
    versions = ObjectVersions().advanced({SERVICES: {Identity("", "", "a.yaml", 0): octets}})

    page = versions.page(SERVICES, limit=0, continue_token="")

    assert page == b'{"metadata":{"resourceVersion":"2","continue":""},"items":[' + sent + b"]}"


def test_deletions_are_remembered_up_to_a_number() -> None:
    """A process that runs for years does not keep every name that ever was."""
    many = ObjectVersions().advanced(services(**{f"s{n:05}": 1 for n in range(5000)}))
    none = many.advanced(services())

    with pytest.raises(ApiError) as caught:
        list(none.events(SERVICES, since=many.version))
    kept = len(events(none, since=none.version - 4096))

    assert caught.value.status == 410
    assert kept == 4096


def test_a_version_from_the_future_is_refused() -> None:
    """It is another process's: 410, and the client lists again."""
    with pytest.raises(ApiError):
        list(ObjectVersions().advanced({}).events(SERVICES, since=99))


def test_a_bookmark_says_how_far_a_watch_has_come() -> None:
    """KEP-956."""
    versions = ObjectVersions().advanced(services(web=1))

    assert json.loads(versions.bookmark()) == {
        "type": "BOOKMARK",
        "object": {"metadata": {"resourceVersion": "2"}},
    }


STATES = st.lists(st.dictionaries(st.sampled_from([*"abc"]), st.integers(0, 2)), min_size=1)


@given(STATES, st.data())
def test_events_after_any_version_lead_to_the_newest_state(
    states: list[dict[str, int]], data: st.DataObject
) -> None:
    """Law: a list, then the events after its version, is the newest list."""
    history = [ObjectVersions()]
    for state in states:
        history.append(history[-1].advanced(services(**state)))
    start = data.draw(st.integers(0, len(history) - 1))

    known = dict(states[start - 1]) if start else {}
    for raw in history[-1].events(SERVICES, since=history[start].version):
        event = json.loads(raw)
        name = event["object"]["metadata"]["name"]
        if event["type"] == "DELETED":
            known.pop(name, None)
        else:
            known[name] = event["object"]["x"]

    assert known == states[-1]
