"""Lines of standard input: read up to a limit, and answered with their id where one can be read."""

from __future__ import annotations

import codecs
import io
import json
from typing import Any

import mcp_types as types
import pytest

from server.lines import MOST, Line, TooLong, lines, messages

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def refusals(line: Any) -> list[types.JSONRPCError]:
    """The errors that a line is answered with."""
    sent: Line = line if isinstance(line, bytes | TooLong) else json.dumps(line).encode()
    found = list(messages(sent))
    assert all(isinstance(one, types.JSONRPCError) for one in found)
    return [one for one in found if isinstance(one, types.JSONRPCError)]


async def read(data: bytes) -> list[Line]:
    return [line async for line in lines(io.BytesIO(data))]


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"params": [1]}, -32602, "params must be an object"),
        ({"params": "task"}, -32602, "params must be an object"),
        ({"params": 5}, -32602, "params must be an object"),
        ({"jsonrpc": "1.0"}, -32600, 'jsonrpc must be "2.0"'),
        ({"jsonrpc": 2.0}, -32600, 'jsonrpc must be "2.0"'),
        ({"jsonrpc": None}, -32600, 'jsonrpc must be "2.0"'),
        ({"method": None}, -32600, "method must be text"),
        ({"method": 7}, -32600, "method must be text"),
    ],
)
@pytest.mark.parametrize("named", [0, 7, -1, "seven", "", 2**53])
def test_a_request_that_is_none_gets_an_error_with_its_id(
    changed: dict[str, Any], code: int, said: str, named: int | str
) -> None:
    (error,) = refusals({**PING, "id": named, **changed})
    assert (error.id, error.error.code) == (named, code)
    assert said in error.error.message


def test_a_request_without_a_method_or_a_version_keeps_its_id() -> None:
    assert refusals({"jsonrpc": "2.0", "id": 3})[0].id == 3
    assert refusals({"id": 3, "method": "ping"})[0].id == 3


@pytest.mark.parametrize(
    ("named", "answered"), [(2.0, 2), (1.5, None), (None, None), (True, None), ([1], None)]
)
def test_an_id_of_another_type_is_answered_where_it_is_a_whole_number(
    named: Any, answered: int | None
) -> None:
    assert refusals({**PING, "id": named})[0].id == answered
    assert "id must be" in refusals({**PING, "id": named})[0].error.message


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"1e999"])
def test_an_id_that_is_no_number_is_answered_with_none(word: bytes) -> None:
    (error,) = refusals(b'{"jsonrpc": "2.0", "method": "ping", "id": ' + word + b"}")
    assert error.id is None
    json.loads(error.model_dump_json(by_alias=True))


def test_every_request_of_a_batch_is_told_that_batches_are_not_taken() -> None:
    batch = [PING, {**PING, "id": "b"}, {"jsonrpc": "2.0", "method": "told"}, 5]
    assert {one.id for one in refusals(batch)} == {1, "b"}
    assert [one.id for one in refusals([])] == [None]
    assert len(refusals([{**PING, "id": n} for n in range(100_000)])) == 64


def test_an_answer_to_nothing_takes_no_id_of_ours() -> None:
    assert refusals({"jsonrpc": "2.0", "id": 1, "result": 5})[0].id is None
    assert refusals({"jsonrpc": "2.0", "id": 1, "error": "no"})[0].id is None


@pytest.mark.parametrize("line", [b"nonsense", b'{"jsonrpc": "2.0", "id": 7', b"\xff\xfe", b"5"])
def test_what_is_no_message_at_all_is_answered_without_an_id(line: bytes) -> None:
    assert [one.id for one in refusals(line)] == [None]


def test_a_byte_order_mark_before_a_message_is_passed_over() -> None:
    (found,) = messages(codecs.BOM_UTF8 + json.dumps(PING).encode())
    assert isinstance(found, types.JSONRPCRequest)
    assert found.id == PING["id"]


@pytest.mark.parametrize("line", [b"", b"\n", b" \r\n"])
def test_a_blank_line_is_nothing(line: bytes) -> None:
    assert list(messages(line)) == []


ENDS = [
    (b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"id": 5, "a": ', b"}}"),
    (b'{"method": "tools/call", "params": {"id": 5, "a": ', b'}, "jsonrpc": "2.0", "id": 7}'),
    (b'{"method":"tools/call","params":{"a":', b'},"id":7,"jsonrpc":"2.0"}'),
]


@pytest.mark.parametrize(("head", "tail"), ENDS)
def test_nesting_without_end_is_answered_with_its_id(head: bytes, tail: bytes) -> None:
    (error,) = refusals(head + b"[" * 5000 + b"]" * 5000 + tail)
    assert (error.id, error.error.code) == (7, -32700)


@pytest.mark.parametrize("params", [b"{'a': 1}", b"undefined", b'{"a": 1,}', b'{"a"'])
def test_a_request_that_is_not_quite_json_is_answered_with_its_id(params: bytes) -> None:
    (error,) = refusals(
        b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": ' + params + b"}"
    )
    assert (error.id, error.error.code) == (7, -32700)


@pytest.mark.anyio
@pytest.mark.parametrize(("head", "tail"), ENDS)
async def test_a_line_that_is_too_long_is_answered_with_its_id_and_the_next_one_is_read(
    head: bytes, tail: bytes
) -> None:
    long = head + b'"' + b"x" * (2 * MOST) + b'"' + tail
    first, second = await read(long + b"\n" + json.dumps(PING).encode())
    assert isinstance(first, TooLong)
    assert first.size == len(long) + 1
    assert len(first.head) + len(first.tail) < 2_000
    (error,) = refusals(first)
    assert error.id == 7
    assert f"has {first.size:,} bytes" in error.error.message
    assert list(messages(second)) == [types.JSONRPCRequest(**PING)]  # type: ignore[arg-type]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [MOST - 1, MOST, MOST + 1, 2 * MOST, 2 * MOST + 1])
async def test_lines_about_the_limit_end_where_they_end(size: int) -> None:
    for end in (b"\n", b""):
        found = await read(b"x" * size + end)
        assert len(found) == 1
        long = size > MOST
        assert isinstance(found[0], TooLong) == long
    assert await read(b"x" * size + b"\nnext\n") == [*await read(b"x" * size + b"\n"), b"next\n"]
