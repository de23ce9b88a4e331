"""The exception tree: what a person or a log line reads of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py import errors
from kubedns_py.errors import ApiError, BadObject, KubednsError, excerpt


def test_everything_raised_on_purpose_has_one_root() -> None:
    """Errors of the house: one tree, drawn in the file's docstring."""
    classes = [each for each in vars(errors).values() if isinstance(each, type)]

    assert all(issubclass(each, KubednsError) for each in classes)
    for each in classes:
        assert each.__name__ in (errors.__doc__ or "")


def test_an_object_that_cannot_be_read_names_itself_the_reason_and_the_detail() -> None:
    """BAD rows (behaviour 1.14): one line naming the thing and what is wrong."""
    known = BadObject("Service", "address", key="shop/web", detail="'10.0.0.300'", version="7")
    unknown = BadObject("Service", "json", detail="at byte 3")

    assert str(known) == "Service shop/web: address: '10.0.0.300'"
    assert str(unknown) == "Service (no name): json: at byte 3"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(ApiError(410, "too old"), "410 too old", id="with a status"),
        pytest.param(
            ApiError(0, "connection refused"), "connection refused", id="no answer at all"
        ),
    ],
)
def test_an_api_error_shows_its_status_when_there_was_an_answer(error: ApiError, text: str) -> None:
    """Errors of the house: status 0 is no answer."""
    assert str(error) == text


@given(st.text(max_size=600))
def test_an_excerpt_is_one_short_line_of_ascii(text: str) -> None:
    """Reliability 4.3: fit for a log line, whatever it was."""
    shown = excerpt(text)

    assert len(shown) <= 200
    assert shown.isascii()
    assert not shown or shown.isprintable()
