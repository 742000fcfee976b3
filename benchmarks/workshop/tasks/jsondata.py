"""JSON edge cases: almost JSON, or JSON that means more than it says."""

from benchmarks.workshop.model import Strategy, Task, family

CHECK = r"""
got = solve(text)
assert got == expected, f"parsed {got!r}, wanted {expected!r}"
"""

TASKS = (
    Task(
        id="json-lines",
        condition="one object per line",
        wordings=(
            "Parse an event file with one JSON object per line.",
            "The event log is JSON Lines: each line is an object of its own. Load them all.",
            "Load newline-delimited JSON events into a list.",
            "json.loads says 'Extra data' for this event file, which has an object on every line.",
            "Read events from an .ndjson file, every line a JSON object.",
            "Get a list of all events; the file holds one JSON object after the other, each on "
            "its line.",
        ),
        setup=r"""
import json

expected = [{"id": pick(1, 5, 9), "kind": "start"}, {"id": pick(2, 6, 10), "kind": "stop"}]
text = "\n".join(json.dumps(item) for item in expected) + "\n"
""",
        check=CHECK,
    ),
    Task(
        id="json-glued",
        condition="objects follow each other without a separator",
        wordings=(
            "Parse a socket recording in which JSON objects follow each other without any "
            "separator.",
            "The stream contains JSON documents glued together: }{ between them. Load each.",
            "Load concatenated JSON messages from a stream, with nothing between two objects.",
            "Messages arrive as JSON objects back to back, no newline, no comma; split and "
            "parse them.",
            "Read a stream of JSON messages that are simply written one after the other.",
            "Get a list of the JSON messages of a stream; they are pretty-printed and run into "
            "each other.",
        ),
        setup=r"""
import json

expected = [{"seq": pick(1, 5, 9), "to": {"a": 1}}, {"seq": pick(2, 6, 10), "to": {}}]
text = "".join(json.dumps(item, indent=1) for item in expected)
""",
        check=CHECK,
    ),
    Task(
        id="json-exact",
        condition="amounts keep every digit",
        wordings=(
            "Parse a payment in JSON so that its amount keeps every digit; it goes to the "
            "ledger as it was sent.",
            "Amounts in the payment JSON such as 0.10 must stay exact, trailing zero included.",
            "Load payment messages without losing digits of the decimal amounts.",
            "The ledger rejects 19.989999; amounts from the JSON payment have to be exact "
            "decimals.",
            "Read a payment whose JSON amount has more digits than a float can hold; keep them "
            "all.",
            "Get exact decimal amounts from the payment's JSON, nothing rounded.",
        ),
        setup=r"""
amount = pick("0.10", "1234567890123.45678901", "19.990")
text = '{"payer": "%s", "amount": %s}' % (pick("Ada", "Bo", "Cy"), amount)
""",
        check=r"""
got = solve(text)
shown = str(got["amount"])
assert shown == amount, f"the ledger would show {shown}, the message said {amount}"
""",
    ),
    Task(
        id="json-double",
        condition="the same key several times",
        wordings=(
            "Parse a form in JSON in which the key 'tag' occurs several times; all values are "
            "needed.",
            "The form's JSON repeats a key. Load every value of it, not only the last.",
            "Load form data whose JSON object has duplicate keys, as pairs of key and value.",
            "Only the last tag survives when I parse the form's JSON; the key is there more "
            "than once.",
            "Read all pairs of a JSON object with repeated keys, in order.",
            "Get the complete pairs from a form's JSON where one key appears twice.",
        ),
        setup=r"""
first, last = pick(("red", "blue"), ("new", "sale"), ("oak", "elm"))
text = '{"name": "x", "tag": "%s", "tag": "%s"}' % (first, last)
expected = [("name", "x"), ("tag", first), ("tag", last)]
""",
        check=CHECK,
    ),
    Task(
        id="json-python",
        condition="a printed Python dict",
        wordings=(
            "Parse settings that somebody saved by printing a Python dict: single quotes, True "
            "and None.",
            "The settings file looks like JSON but has single quotes and None. Load it.",
            "Load settings written with str(dict) instead of json.dumps.",
            "Settings in the file read {'debug': True, 'user': None}; parse them safely.",
            "Read a settings file with single-quoted keys, True, False and None.",
            "Get the settings from the printed form of a Python dictionary with apostrophes in "
            "the texts.",
        ),
        setup=r"""
expected = {"debug": True, "user": None, "motto": pick("it's fine", "don't", "o'clock")}
text = str(expected)
""",
        check=CHECK,
    ),
    Task(
        id="json-comments",
        condition="comments in the file, URLs in the values",
        wordings=(
            "Parse an editor configuration: JSON with // comments, and URLs in the values.",
            "The editor's config is JSON with comment lines; its values contain https:// "
            "addresses. Load it.",
            "Load a commented JSON configuration without breaking the URLs in it.",
            "json.loads stops at a // comment in the editor config; addresses with // must "
            "survive.",
            "Read a JSON config in which people wrote // remarks on lines of their own and "
            "URLs as values.",
            "Get the settings of the editor from JSON with comments; a value may contain two "
            "slashes.",
        ),
        setup=r"""
url = pick("https://example.org/a", "http://example.org/b", "https://example.org/c")
text = '// made by hand\n{\n  // where to look\n  "url": "%s",\n  "tabs": 4\n}\n' % url
expected = {"url": url, "tabs": 4}
""",
        check=CHECK,
    ),
    Task(
        id="json-inside",
        condition="a JSON document inside a JSON string",
        wordings=(
            "Parse a queue message whose JSON body is itself a string that contains JSON.",
            "The queue delivers JSON in JSON: a quoted document with escaped quotes. Load the "
            "inner object.",
            "Load a queue message that was encoded as JSON two times.",
            "TypeError, string indices: the parsed queue message is a str that holds the real "
            "JSON document.",
            "Read the object out of a message that starts with a quote and escapes all inner "
            "quotes.",
            "Get the inner object of a queue message; the sender called json.dumps on a JSON text.",
        ),
        setup=r"""
import json

expected = {"job": pick("print", "mail", "scan"), "copies": 2}
text = json.dumps(json.dumps(expected))
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="json-loads",
        title="Parse a JSON file or message with json.loads",
        description="Events, payments, settings, forms and queue messages in JSON.",
        content="json.loads(text) gives dictionaries and lists; call it once on the whole text.",
        code=r"""
import json


def solve(text):
    return json.loads(text)
""",
    ),
    Strategy(
        id="json-each",
        title="Call json.loads for each line",
        description="Append-only event logs.",
        content="Split the text into lines, skip empty ones and parse each on its own.",
        code=r"""
import json


def solve(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]
""",
    ),
    Strategy(
        id="json-wrap",
        title="Make one array of JSON objects: replace }{ by },{",
        description="A file or stream of several JSON objects or messages: 'Extra data', one "
        "object after the other.",
        content="Insert the missing commas between the objects, put brackets around the text "
        "and parse the array.",
        code=r"""
import json


def solve(text):
    return json.loads("[" + text.replace("}{", "},{") + "]")
""",
    ),
    Strategy(
        id="json-raw",
        title="Use JSONDecoder.raw_decode in a loop",
        description="A stream of JSON documents that comes through a pipe.",
        content="raw_decode returns the value and the index where it ended; skip white space "
        "and go on from there.",
        code=r"""
import json


def solve(text):
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return found
""",
    ),
    Strategy(
        id="json-decimal",
        title="Pass parse_float=Decimal",
        description="JSON with amounts of money, which are counted and not measured.",
        content="json.loads(text, parse_float=Decimal) hands the digits over as they are written.",
        code=r"""
import json
from decimal import Decimal


def solve(text):
    return json.loads(text, parse_float=Decimal)
""",
    ),
    Strategy(
        id="json-round",
        title="Round JSON payment amounts to cents after parsing",
        description="Amounts of a payment in JSON must be exact in the ledger.",
        content="Parse the payment and call round(amount, 2) on the decimal amounts, so no "
        "digits like 19.989999 appear.",
        code=r"""
import json


def solve(text):
    found = json.loads(text)
    found["amount"] = round(found["amount"], 2)
    return found
""",
    ),
    Strategy(
        id="json-pairs",
        title="Pass object_pairs_hook=list",
        description="Forms and other JSON objects in which a key occurs more than once.",
        content="The hook gets every key with its value in order, and nothing is overwritten.",
        code=r"""
import json


def solve(text):
    return json.loads(text, object_pairs_hook=list)
""",
    ),
    Strategy(
        id="json-quotes",
        title="Replace single quotes by double quotes, True by true, None by null",
        description="A settings file with single quotes, True, False and None looks like JSON "
        "but does not parse.",
        content="Correct the text with str.replace and parse the result as JSON.",
        code=r"""
import json


def solve(text):
    for old, new in (("'", '"'), ("True", "true"), ("False", "false"), ("None", "null")):
        text = text.replace(old, new)
    return json.loads(text)
""",
    ),
    Strategy(
        id="json-literal",
        title="Use ast.literal_eval",
        description="Settings that were saved by printing a Python dict.",
        content="literal_eval reads Python literals and runs no code.",
        code=r"""
import ast


def solve(text):
    return ast.literal_eval(text)
""",
    ),
    Strategy(
        id="json-strip",
        title="Remove // comments from a JSON config with a regular expression",
        description="JSON configuration of an editor with // comments in it.",
        content="Delete everything from // to the end of the line with re.sub and parse the rest.",
        code=r"""
import json
import re


def solve(text):
    return json.loads(re.sub(r"//.*", "", text))
""",
    ),
    Strategy(
        id="json-whole",
        title="Drop the lines that begin with the remark sign",
        description="Editor settings with // comment lines that people write by hand.",
        content="Filter lines whose first visible characters are // before parsing.",
        code=r"""
import json


def solve(text):
    lines = text.splitlines()
    return json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//")))
""",
    ),
    Strategy(
        id="json-again",
        title="Parse until it is no longer a string",
        description="Queue messages that several services have wrapped in a string.",
        content="While the result is a str, call json.loads on it once more.",
        code=r"""
import json


def solve(text):
    found = text
    while isinstance(found, str):
        found = json.loads(found)
    return found
""",
    ),
    Strategy(
        id="json-unescape",
        title="Strip the outer quotes and backslashes of a JSON string",
        description="A queue message whose JSON is in quotes, with escaped inner quotes.",
        content="Take the quotes off, replace backslash-quote by quote and use the text as the "
        "message.",
        code=r"""
def solve(text):
    return text.strip('"').replace('\\"', '"')
""",
    ),
)

FAMILY = family("jsondata", "JSON", tasks=TASKS, strategies=STRATEGIES)
