"""What is a name must look like one, and whoever holds it must hold it as a name."""

from __future__ import annotations

import random
from base64 import b64encode

import pytest

from memory_core.names import holds, marks, names

README = """
# Widgets [![Build](https://travis-ci.org/acme/widgets.svg)](https://travis-ci.org/acme/widgets)
## KNOWN ISSUES
See https://github.com/acme/widgets/issues/12345 and www.widgets-2000.org/read_me, or write to
first_last@mail-7.acme.com. Clone git@github.com:acme/wid_gets.git. :white_check_mark: Done!
"""


@pytest.mark.parametrize(
    "text",
    [
        "IMPORTANT: write a poem about a horse",
        "ALWAYS ANSWER IN SPANISH, PLEASE",
        "NEVER EVER TOUCH KUMQUATS AND MARMALADE",
        "NOTE: the README has a TODO on the JSON API over HTTP and SQL. DEPRECATED, UNRESOLVED",
        "TROUBLESHOOTING and ACKNOWLEDGEMENTS",
        "Sentences begin so. Another one. Go to the UK or the US, to NASA",
        "since 2024, on 2024-01-15 at 10:30:45, 15.01.2024, 20240115T1030Z, 2023-2024",
        "1.0 and 2.5, 1.0.0, v2.0.0, 0.1.0, 100MB, 30fps, 2nd, 10am, 24-hour, 10000 or 12500 rows",
        "localhost:8080, 127.0.0.1:5000, 0.0.0.0, 192.168.1.10",
        "/usr/bin, src/, ./build, C:\\Users\\me, and/or, application/json, origin/main",
        "e.g. this, i.e. that, at 5 p.m. in the U.S.",
        "#123, #12345, JIRA-1, PROJ-123, COVID-19, UTF-8, GPT-4, ISO-8601, RFC 2119, ES2015",
        "get(, open(), print(x) and item(s), import(foo)",
        "$PATH and $HOME, PATH=1",
        "chore(deps): translate the menu\nfix(#1493): it\nfeat(api_v2)!: more\nchore(ci) add one",
        "an eMail by iPhone or MacBook from McDonald to GitHub, YouTube, JavaScript, PostgreSQL",
        "APIs and PDFs, YouTube's",
        "package.json, index.js, README.md, Node.js, requirements.txt, docker-compose.yml",
        "docs.python.org, github.com, en.wikipedia.org, example.com, acme.io",
        "python3 on amd64, arm64 or x86_64, sha256 in base64, ubuntu22, Office2019",
        "_really_ **important** __init__ node_modules",
        "run it with --help or -v, well-known, up-to-date",
        README,
    ],
)
def test_what_everybody_writes_is_no_name(text: str) -> None:
    assert not {name for name in names(text) if len(name) > 3}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("error[E0382]: borrow of moved value", "e0382"),
        ("it throws ERR_REQUIRE_ESM here", "errrequireesm"),
        ("ORA-00942: table or view", "ora00942"),
        ("错误ORA-00942发生", "ora00942"),
        ("commit with --no-verify", "--no-verify"),
        ("libGL.so.1 not found", "libgl.so.1"),
        ("raise vm.max_map_count", "vm.max_map_count"),
        ("ask db-prod-3.internal:5432", "db-prod-3.internal"),
        ("curl https://db-prod-3.internal:8443/health", "db-prod-3.internal"),
        ("useEffect runs twice", "useeffect"),
        ("cachingSha2Password", "cachingsha2password"),
        ("SQLSTATE 23505", "23505"),
        ("since 2.31.0", "2.31.0"),
        ("ECONNREFUSED again", "econnrefus"),
        ("ERESOLVE could not resolve", "eresolv"),
        ("GOPATH and LD_LIBRARY_PATH", "gopath"),
        ("GOPATH and LD_LIBRARY_PATH", "ldlibrarypath"),
        ("error TS2322", "ts2322"),
        ("0x80070005", "0x80070005"),
        ("CVE-2021-44228", "cve202144228"),
        ("/proc/sys/fs/inotify/max_user_watches", "maxuserwatch"),
        ("strptime() fails", "strptime"),
        ("os.path.join of it", "os.path.join"),
        ("a ValueError of parseRow(x)", "valueerror"),
    ],
)
def test_codes_identifiers_flags_versions_hosts_and_functions_are_names(
    text: str, name: str
) -> None:
    assert name in names(text)


@pytest.mark.parametrize(
    ("asked", "item", "held"),
    [
        ("call parse_row", "parseRow needs a header", True),
        ("caching_sha2_password", "cachingSha2Password is new", True),
        ("ORA 00942", "ORA-00942 comes of a missing grant", True),
        ("strptime() fails", "Give strptime a format", True),
        ("ECONNREFUSED again", "ECONNREFUSED: start it", True),
        ("ECONNREFUSED again", "it econnrefuses", False),
        ("DEFENESTRATE the draft", "Defenestrating is history", False),
        ("--no-verify", "there is no verify step", False),
        ("parse_row", "parserow, in prose", False),
    ],
)
def test_an_item_holds_a_name_where_it_writes_it_as_one(asked: str, item: str, held: bool) -> None:
    assert any(holds(item, *pair) for pair in names(asked).items()) is held


@pytest.mark.parametrize(
    "text",
    [
        *(piece * 50_000 for piece in ("a", "A ", "a.", "a@", ":a", "http://", "(a", "A", "-a")),
        "feat(" * 20_000,
        b64encode(random.Random(12).randbytes(90_000)).decode(),
    ],
    ids=lambda text: ascii(text[:7]),
)
def test_a_huge_text_has_no_more_names_than_a_few_for_each_of_its_signs(text: str) -> None:
    assert len(names(text)) <= len(text)


def test_a_number_tells_like_items_apart_though_it_names_none() -> None:
    asked = "what does EECS 280 ask for, and web03?"

    assert not names(asked)
    assert {"280", "web03"} <= marks(asked)
