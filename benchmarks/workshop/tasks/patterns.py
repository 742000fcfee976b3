"""Regular expressions: take what stands between two marks."""

from benchmarks.workshop.model import Strategy, Task, family

CHECK = r"""
found = solve(text, start, end)
assert found == expected, f"found {found!r} between {start} and {end}, wanted {expected!r}"
"""

TASKS = (
    Task(
        id="re-many",
        condition="several values on a line",
        wordings=(
            'Collect all quoted values of a line that has several of them: name="a" city="b".',
            "A line holds several values in quotes. Get every one of them separately.",
            "Extract each quoted attribute value; there are several quoted values per line.",
            "Pull every value in double quotes out of lines with more than one.",
            "Find all the quoted values in a line of attributes, one list entry for each.",
            "Several quoted values stand on one line; I want them as separate strings.",
        ),
        setup=r"""
first, second = pick(("Ada", "Oslo"), ("Bo", "Bonn"), ("Cy", "Cork"))
text = f'name="{first}" city="{second}" ok="yes"'
start = end = '"'
expected = [first, second, "yes"]
""",
        check=CHECK,
    ),
    Task(
        id="re-special",
        condition="the marks are regex characters",
        wordings=(
            "Collect the placeholders of a template that are written like $(name), with dollar "
            "sign and parentheses.",
            "A template has placeholders in special characters, such as $(name) or [[name]]. "
            "List them.",
            "Extract every placeholder name from a template; they are wrapped in $( and ).",
            "Pull the placeholder names out of a template whose marks are punctuation like $( "
            ") or [[ ]].",
            "Find all template placeholders; the opening mark has a dollar sign or square "
            "brackets in it.",
            "The placeholders of this template look like $(city); I want the names.",
        ),
        setup=r"""
start, end = pick(("$(", ")"), ("[[", "]]"), ("{*", "*}"))
expected = pick(["name", "city"], ["item", "price"], ["team", "room"])
text = f"Dear {start}{expected[0]}{end}, see {start}{expected[1]}{end}."
""",
        check=CHECK,
    ),
    Task(
        id="re-lines",
        condition="a value runs over several lines",
        wordings=(
            "Collect the text blocks between BEGIN and END; each block runs over several lines.",
            "Blocks between the words BEGIN and END have many lines. Get the contents of each.",
            "Extract every multi-line block that stands between the marks BEGIN and END.",
            "Pull out what is between BEGIN and END, line breaks included; there are two such "
            "blocks.",
            "Find all blocks from BEGIN to END in a file; a block is longer than one line.",
            "Several-line blocks are marked with BEGIN and END; I want the text of each block.",
        ),
        setup=r"""
start, end = pick(("BEGIN", "END"), ("<<<", ">>>"), ("OPEN", "SHUT"))
expected = pick(["\none\ntwo\n", "\nthree\n"], ["\nred\nblue\n", "\ngreen\n"])
text = f"x\n{start}{expected[0]}{end}\ny\n{start}{expected[1]}{end}\n"
""",
        check=CHECK,
    ),
    Task(
        id="re-nested",
        condition="marks inside marks",
        wordings=(
            "Collect the arguments of a formula: the outermost parentheses, which may contain "
            "further parentheses.",
            "A formula has nested parentheses. Get the whole content of each outer pair.",
            "Extract what stands in the outer brackets of an expression with brackets inside "
            "brackets.",
            "Pull out the text of every outermost pair of parentheses; pairs can be nested.",
            "Find the contents of the outer parentheses of a formula like f(g(x), y).",
            "The parentheses in this formula are nested; I want what the outer ones enclose.",
        ),
        setup=r"""
start, end = pick(("(", ")"), ("[", "]"), ("{", "}"))
inner = pick("x", "row", "k9")
expected = [f"g{start}{inner}{end}, y", "z"]
text = f"f{start}{expected[0]}{end} + h{start}z{end}"
""",
        check=CHECK,
    ),
    Task(
        id="re-escaped",
        condition="quotes inside are escaped with a backslash",
        wordings=(
            "Collect the string literals of a source line; quotes inside them are escaped with "
            "a backslash.",
            "A source line has string literals with backslash-escaped quotes. Get each literal "
            "whole.",
            'Extract every string literal from code; a literal can contain \\" inside.',
            "Pull string literals out of program text in which a backslash protects inner quotes.",
            "Find all string literals of a line of code, including those with escaped quotes.",
            "The string literals contain quotes behind a backslash; I want each literal as it "
            "is written.",
        ),
        setup=r"""
start = end = '"'
expected = pick([r"say \"hi\"", "ok"], [r"a \"b\" c", "no"], [r"\"up\" she said", "x"])
text = "call(" + ", ".join(f'"{value}"' for value in expected) + ")"
""",
        check=CHECK,
    ),
    Task(
        id="re-inner",
        condition="one value a line with bare quotes inside",
        wordings=(
            "Collect the title of each line; a title stands in quotes and may itself contain "
            "bare quotes.",
            "Each line has exactly one quoted title, and titles can have unescaped quotes in "
            "them. Get the whole title.",
            "Extract the quoted title per line, from the first to the last quote, because "
            "titles contain quotes.",
            "Pull one title out of every line; quotes within the title are not escaped.",
            "Find the title of each line; it reaches up to the line's last quote and has quotes "
            "inside.",
            "Titles are quoted and contain more quotes, one title a line; I want them complete.",
        ),
        setup=r"""
start = end = '"'
expected = pick(['The "big" day', "Rain"], ['My "own" way', "Snow"], ['A "new" start', "Fog"])
text = "\n".join(f'{n}: title="{value}";' for n, value in enumerate(expected))
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="re-greedy",
        title="Extract quoted values with (.*) between the quotes",
        description="Collecting the quoted values, titles, string literals or placeholders of a "
        "line.",
        content="re.findall('\"(.*)\"', line) returns everything that stands between the marks "
        "of the line.",
        code=r"""
import re


def solve(text, start, end):
    return re.findall(re.escape(start) + "(.*)" + re.escape(end), text)
""",
    ),
    Strategy(
        id="re-lazy",
        title="Put the opening and closing mark around (.*?)",
        description="Quoted values on a line, placeholders in a template, parentheses in a "
        "formula: what stands between two marks.",
        content="Build the pattern as start + '(.*?)' + end and call re.findall; the question "
        "mark makes it stop early.",
        code=r"""
import re


def solve(text, start, end):
    return re.findall(start + "(.*?)" + end, text)
""",
    ),
    Strategy(
        id="re-escape",
        title="Quote the marks with re.escape and match lazily",
        description="Placeholders in a template whose marks are punctuation, such as a dollar "
        "sign or square brackets.",
        content="re.escape the opening and the closing mark and put (.*?) between them.",
        code=r"""
import re


def solve(text, start, end):
    return re.findall(re.escape(start) + "(.*?)" + re.escape(end), text)
""",
    ),
    Strategy(
        id="re-dotall",
        title="Match lazily with re.DOTALL",
        description="Blocks of several lines between two marks such as BEGIN and END.",
        content="Add re.DOTALL, with which the dot also matches the newline; keep (.*?) and "
        "escape the marks.",
        code=r"""
import re


def solve(text, start, end):
    return re.findall(re.escape(start) + "(.*?)" + re.escape(end), text, re.DOTALL)
""",
    ),
    Strategy(
        id="re-multiline",
        title="Set re.MULTILINE for blocks of several lines",
        description="Text blocks between BEGIN and END with line breaks in them.",
        content="Pass re.MULTILINE to re.findall, so that the pattern works on a text of many "
        "lines.",
        code=r"""
import re


def solve(text, start, end):
    return re.findall(re.escape(start) + "(.+?)" + re.escape(end), text, re.MULTILINE)
""",
    ),
    Strategy(
        id="re-depth",
        title="Count the depth of brackets in a loop",
        description="Parentheses or brackets that can be nested.",
        content="Walk through the characters, add one at an opening mark, take one off at a "
        "closing mark and cut where the depth returns to zero.",
        code=r"""
def solve(text, start, end):
    found, depth, begin = [], 0, 0
    for at, letter in enumerate(text):
        if letter == start:
            depth += 1
            if depth == 1:
                begin = at + 1
        elif letter == end:
            depth -= 1
            if depth == 0:
                found.append(text[begin:at])
    if depth:
        raise ValueError(f"{depth} of {start!r} never closed")
    return found
""",
    ),
    Strategy(
        id="re-recursive",
        title="Match nested parentheses with a recursive pattern (?R)",
        description="The outermost parentheses of a formula that contain further, nested "
        "parentheses.",
        content="Use the recursive group (?R) for the inner pairs of parentheses, as the "
        "regular expression engines of other languages offer it.",
        code=r"""
import re


def solve(text, start, end):
    first, last = re.escape(start), re.escape(end)
    inner = f"[^{first}{last}]"
    return re.findall(f"{first}((?:{inner}|(?R))*){last}", text)
""",
    ),
    Strategy(
        id="re-literal",
        title="Alternate between an escape pair and any other character",
        description="String literals of a programming language, with escapes in them.",
        content='Between the marks match (?:\\\\.|[^"\\\\])*, so a backslash always takes the '
        "next character with it.",
        code=r"""
import re


def solve(text, start, end):
    first, last = re.escape(start), re.escape(end)
    return re.findall(first + r"((?:\\.|[^\\" + re.escape(end[0]) + r"])*)" + last, text)
""",
    ),
)

FAMILY = family("patterns", "Regular expressions", tasks=TASKS, strategies=STRATEGIES)
