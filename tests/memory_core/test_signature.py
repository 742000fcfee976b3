"""The same failure has one signature wherever it happens; another failure has another."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memory_core.error_reading import log_lines, read_error
from memory_core.signature import NO_SIGNATURE, sign
from memory_core.skeleton import skeleton

PYTHON = """Traceback (most recent call last):
  File "{path}", line {line}, in <module>
    main()
  File "{path}", line {line}, in load
    rows = parse({name})
  File "/usr/lib/python3.11/codecs.py", line 322, in decode
    (result, consumed) = self._buffer_decode(data, self.errors, final)
UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position {line}: invalid start byte
"""
NODE = """/srv/app/x.js:3
    throw new TypeError('bad');
    ^

TypeError: Cannot read properties of undefined (reading 'name')
    at getName (/srv/app/x.js:3:9)
    at Object.<anonymous> (/srv/app/x.js:9:1)
    at Module._compile (node:internal/modules/cjs/loader:1256:14)

Node.js v20.1.0
"""
JAVA = """Exception in thread "main" java.lang.RuntimeException: failed to load
\tat com.acme.App.load(App.java:10)
\tat com.acme.App.main(App.java:5)
Caused by: java.io.FileNotFoundException: data/conf.xml (No such file or directory)
\tat java.base/java.io.FileInputStream.open0(Native Method)
\t... 2 more
"""
GO = """panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.pick(0xc000012345, 0x5)
\t/home/u/main.go:8 +0x1d
main.main()
\t/home/u/main.go:12 +0x2a
exit status 2
"""
RUST = """thread 'main' panicked at src/main.rs:4:5:
index out of bounds: the len is 3 but the index is 5
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
"""
RUSTC = """error[E0382]: borrow of moved value: `x`
 --> src/main.rs:4:20
error: could not compile `shop` (bin "shop") due to previous error
"""
CHAINED = """Traceback (most recent call last):
  File "a.py", line 1, in first
    x()
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in second
    y()
app.errors.LookupFailed: nothing under 'a'
"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in <module>
  |     main()
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "a.py", line 3, in work
    |     y()
    | ValueError: bad row 7
    +------------------------------------
"""
PYDANTIC = """pydantic_core._pydantic_core.ValidationError: 1 validation error for Order
age
  Input should be a valid integer [type=int_parsing, input_value='x', input_type=str]
"""

CLASSES = [
    (PYTHON.format(path="a/b.py", line=3, name="x"), "UnicodeDecodeError"),
    (NODE, "TypeError"),
    (JAVA, "java.io.FileNotFoundException"),
    (GO, "panic: index out of range"),
    (RUST, "panicked: index out of bounds"),
    (RUSTC, "error[E0382]"),
    (CHAINED, "app.errors.LookupFailed"),
    (GROUP, "ValueError"),
    (PYDANTIC, "pydantic_core._pydantic_core.ValidationError"),
    (
        "sqlite3.OperationalError: no such column: colour",
        "sqlite3.OperationalError: no such column",
    ),
    (
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: users\n[S: x]",
        "sqlalchemy.exc.OperationalError: no such table",
    ),
    ("OSError: [Errno 28] No space left on device: '/x'", "OSError: No space left on device"),
    (
        "RuntimeError: dictionary changed size during iteration",
        "RuntimeError: dictionary changed size during iteration",
    ),
    (
        "requests.exceptions.HTTPError: 404 Client Error",
        "requests.exceptions.HTTPError: 404",
    ),
    ("Error: ENOENT: no such file or directory, open '/tmp/x'", "Error: ENOENT"),
    ("Uncaught ReferenceError: total is not defined", "ReferenceError"),
    ("2026-01-01 12:00:00,123 ERROR root: ValueError: bad row 3", "ValueError"),
    ("E       AssertionError: assert 1 == 2", "AssertionError"),
    ("Traceback (most recent call last):\n  File 'x'\nKeyError: 'a'", "KeyError"),
    (
        'Traceback:\n  File "x.py", line 1, in f\nzlib.error: Error -3: incorrect header',
        "zlib.error",
    ),
    ("KeyboardInterrupt", "KeyboardInterrupt"),
    (
        "Unhandled exception. System.NullReferenceException: Object not set.\n   at A.B()",
        "System.NullReferenceException",
    ),
    ("x.rb:3:in 'total': undefined method 'sum' for nil (NoMethodError)", "NoMethodError"),
    ("PHP Fatal error:  Uncaught TypeError: strlen() expects a string", "TypeError"),
    ("src/x.ts(3,5): error TS2322: Type 'string' is not assignable.", "error TS2322"),
    ("foo.c:3:5: error: expected ';' before '}' token", "error: expected before token"),
    ('psql:x.sql:3: ERROR:  relation "shop" does not exist', "ERROR: relation does not exist"),
    ("ERROR 1064 (42000): You have an error in your SQL syntax", "ERROR 1064 (42000)"),
    ("ORA-00942: table or view does not exist", "ORA-00942"),
    ("npm ERR! code ERESOLVE\nnpm ERR! unable to resolve", "ERESOLVE"),
    ("bash: line 1: shopctl: command not found", "command not found"),
    ("zsh: command not found: shopctl", "command not found"),
    ("ls: cannot access 'x': No such file or directory", "No such file or directory"),
    ("Segmentation fault (core dumped)", "Segmentation fault"),
    ("Process exited with code 2", "exit code 2"),
    ("command returned exit status 127", "exit code 127"),
    ("make: *** [Makefile:3: test] Error 2", "make"),
    ("expected 5 rows but got 3", "expected rows but got"),
    ("fatal: not a git repository", "fatal not a git repository"),
]


@pytest.mark.parametrize(("log", "expected"), CLASSES, ids=range(len(CLASSES)))
def test_the_kind_of_error_is_named(log: str, expected: str) -> None:
    if expected == "zlib.error":
        assert sign(log).error_class.startswith("zlib.error: Error incorrect header")
    else:
        assert sign(log).error_class == expected


@pytest.mark.parametrize("log", ["", "  \n\t"])
def test_no_error_text_has_no_signature(log: str) -> None:
    assert sign(log) == NO_SIGNATURE
    assert (sign(log).normalised, sign(log).error_class, sign(log).id) == ("", "", "")


def test_a_bare_exit_code_has_a_signature_of_its_own() -> None:
    assert sign("", 2).error_class == "exit code 2"
    assert sign("", 2).id == sign("Process exited with code 2").id != sign("", 3).id
    assert sign("", 0) == sign("", None) == NO_SIGNATURE


def test_the_innermost_functions_are_kept_innermost_first() -> None:
    assert sign(PYTHON.format(path="a.py", line=1, name="x")).normalised.endswith(
        "\nin decode < load"
    )
    assert sign(NODE).normalised.endswith("\nin getName")
    assert sign(GO).normalised.endswith("\nin main.pick < main.main")


def test_frames_of_an_earlier_traceback_are_left_out() -> None:
    assert sign(CHAINED).normalised == "app.errors.LookupFailed: nothing under <str>\nin second"


def test_the_id_does_not_depend_on_the_frames() -> None:
    bare = PYTHON.format(path="a.py", line=1, name="x").strip().splitlines()[-1]
    assert sign(bare).id == sign(PYTHON.format(path="b.py", line=2, name="y")).id


def test_colours_and_line_ends_change_nothing() -> None:
    coloured = PYTHON.format(path="a.py", line=1, name="x").replace("Unicode", "\x1b[31mUnicode")
    assert sign(coloured.replace("\n", "\r\n")) == sign(coloured.replace("\x1b[31m", ""))


SKELETONS = [
    ("can't open '/tmp/a b.txt' at 0x7f3a", "can't open <str> at <hex>"),
    ("C:\\Users\\me\\x.py, line 12 failed", "<path> failed"),
    ("see https://example.org/a?b=1 for 12 details", "see <url> for <n> details"),
    ("id 123e4567-e89b-12d3-a456-426614174000 is gone", "id <id> is gone"),
    ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <id>"),
    ("at 2026-01-02T03:04:05.678Z on 10.0.0.1:8080", "at <time> on <ip>"),
    ("took 1.5 s of 3,000 ms (45%)", "took <n> s of <n> ms (<n>)"),
    ("'NoneType' object has no attribute 'rows'", "'NoneType' object has no attribute <str>"),
    ("load_rows() missing 1 required positional argument: 'path'", "<name>() missing <n> required"),
    ("rowCount is not a function", "<name> is not a function"),
    ("no such column: t.colour", "no such column: <name>"),
    ("mail to a.b@example.org bounced", "mail to <email> bounced"),
    ("the café's menu: 3 d'été", "the café's menu: <n> d'été"),
]


@pytest.mark.parametrize(("message", "expected"), SKELETONS)
def test_what_belongs_to_one_case_becomes_a_placeholder(message: str, expected: str) -> None:
    assert skeleton(message).startswith(expected)


TEMPLATES = [
    "KeyError: '{name}'",
    "FileNotFoundError: [Errno 2] No such file or directory: '/{name}/{name}.txt'",
    "IndexError: index {number} is out of bounds for axis 0 with size {number}",
    "sqlite3.OperationalError: no such column: {name}",
    "AttributeError: '{name}' object has no attribute '{name}'",
    "TypeError: {name}() takes {number} positional arguments but {number} were given",
    "ReferenceError: {name} is not defined",
    "TimeoutError: no answer from 10.0.0.{number} within {number} s",
    "bash: line {number}: {name}: command not found",
    "panic: runtime error: index out of range [{number}] with length {number}",
    "ValueError: row {number} of /srv/{name}/in.csv: bad date 2026-01-{number:02d}",
    PYTHON,
]
NAMES = st.from_regex(r"[a-z]{2,8}_[a-z]{2,8}", fullmatch=True)
NUMBERS = st.integers(10, 28)


@given(st.sampled_from(TEMPLATES), NAMES, NAMES, NUMBERS, NUMBERS)
def test_other_names_paths_and_numbers_give_the_same_signature(
    template: str, name: str, other: str, number: int, another: int
) -> None:
    first = template.format(name=name, number=number, path=f"/srv/{name}.py", line=number)
    second = template.format(name=other, number=another, path=f"C:\\{other}.py", line=another)
    assert sign(first) == sign(second)


TYPES = st.from_regex(r"[A-Z][a-z]{2,8}(Error|Exception)", fullmatch=True)


@given(TYPES, TYPES, st.sampled_from(["", ": bad row 3", ": 'x' is not known"]))
def test_other_types_give_other_signatures(first: str, second: str, message: str) -> None:
    assume(first != second)
    one, other = sign(first + message), sign(second + message)
    assert one.id != other.id
    assert one.normalised != other.normalised
    assert one.error_class != other.error_class


@given(st.text(max_size=300))
def test_any_text_has_a_bounded_signature_that_is_stable(text: str) -> None:
    signature = sign(text)
    assert signature == sign(text)
    assert len(signature.normalised) < 2500
    assert bool(signature.id) == bool(text.strip())


@given(st.text(max_size=200))
def test_any_text_has_a_skeleton_on_one_line(text: str) -> None:
    assert "\n" not in skeleton(text)
    assert len(skeleton(text)) <= 400


def test_of_a_long_log_the_start_and_the_end_are_read() -> None:
    noise = "INFO step done\n" * 10_000
    error = PYTHON.format(path="a.py", line=1, name="x")
    assert sign(noise + error).error_class == "UnicodeDecodeError"
    assert sign(error + noise).error_class == "UnicodeDecodeError"
    assert sum(map(len, log_lines(noise + error))) <= 64_001


ADVERSARIAL = [
    *("a" * 1_000_000, "Error: " * 150_000, "'" * 1_000_000, '"a' * 500_000, "/a" * 500_000),
    *("1," * 500_000, "a_" * 500_000, "aA" * 500_000, "at a(" * 200_000, "::" * 500_000),
    *('  File "x", line 1, in f\n' * 40_000, "\n" * 1_000_000, "a.b:" * 250_000, "x@" * 500_000),
    *("A.B::" * 200_000, "E  " * 300_000, " | " * 300_000, "exit code " * 100_000),
    *(("aError: " * 120 + "\n") * 1000, ("ab_cd " * 160 + "\n") * 1000, "\x1b]" * 500_000),
    *(
        ("thread '" * 120 + "\n") * 1000,
        ("a-b.c/" * 160 + "\n") * 1000,
        "Ran 1 test in 1s\n" * 60_000,
    ),
]


@pytest.mark.parametrize("text", ADVERSARIAL, ids=range(len(ADVERSARIAL)))
def test_a_megabyte_made_to_be_slow_is_read_to_its_end(text: str) -> None:
    # A pattern of quadratic cost needs minutes here, and the suite's limit ends it.
    assert len(sign(text).normalised) < 2500
    assert len(skeleton(text)) <= 400


def test_where_no_error_stands_none_is_read() -> None:
    assert read_error(["all good", "0 errors, 2 warnings", "exit code 0"]) is None
