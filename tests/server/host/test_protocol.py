from __future__ import annotations

import pytest

from memory_core.errors import (
    InvalidInput,
    LessonbankError,
    MemoryUnavailable,
    ModelUnavailable,
    StoreMismatch,
    StoreUnavailable,
    UnknownItem,
    UnknownRecall,
)
from server.host.protocol import HostFailed, raised, told


@pytest.mark.parametrize(
    "error",
    [
        MemoryUnavailable("a"),
        StoreUnavailable("b"),
        StoreMismatch("c"),
        ModelUnavailable("d"),
    ],
)
def test_an_error_of_the_memory_comes_back_as_itself(error: LessonbankError) -> None:
    back = raised(told(error))
    assert type(back) is type(error)
    assert str(back) == str(error)


@pytest.mark.parametrize(
    "error",
    [InvalidInput("k", "= 0 is not valid", "Pass 1."), UnknownItem("x"), UnknownRecall("y")],
)
def test_a_wrong_value_comes_back_with_its_field(error: InvalidInput) -> None:
    back = raised(told(error))
    assert isinstance(back, InvalidInput)
    assert (str(back), back.field, back.problem) == (str(error), error.field, error.problem)


def test_nothing_but_its_kind_is_told_of_an_unexpected_error() -> None:
    back = raised(told(RuntimeError("what a user stored")))
    assert isinstance(back, HostFailed)
    assert "stored" not in str(back)
    assert "RuntimeError" in str(back)
