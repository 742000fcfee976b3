"""Comparing names: when are two spellings the same?"""

from benchmarks.workshop.model import Strategy, Task, family

CHECK = r"""
got = solve(names)
assert got == expected, f"{len(got)} of {len(names)} left: {ascii(got)}, wanted {ascii(expected)}"
"""

TASKS = (
    Task(
        id="name-composed",
        condition="accents composed in one list, separate in the other",
        wordings=(
            "Remove duplicate file names from two systems; they look the same, but on the Mac "
            "the accent is a separate combining character.",
            "Names from macOS and Linux look identical and still differ: composed and "
            "decomposed accents. Make the list unique.",
            "Deduplicate names whose accents are sometimes one character, sometimes a letter "
            "plus a combining mark; José and Jose stay two.",
            "The same name counts twice because é is stored composed here and decomposed there. "
            "Merge them.",
            "Drop duplicates among names that differ only in composed or combining accents; a "
            "missing accent is a difference.",
            "Unify names with decomposed accents from a Mac with the composed ones, then make "
            "them unique.",
        ),
        setup=r"""
name, plain = pick(("Jos\u00e9", "Jose"), ("Zo\u00eb", "Zoe"), ("Bj\u00f6rn", "Bjorn"))
import unicodedata

names = [name, unicodedata.normalize("NFD", name), plain]
expected = [name, plain]
""",
        check=CHECK,
    ),
    Task(
        id="name-case",
        condition="capitals do not matter, ß equals SS",
        wordings=(
            "Remove duplicate German street names that differ in capitals, HAUPTSTRASSE and "
            "Hauptstraße being the same.",
            "Street names come in upper and mixed case; ß is written SS in capitals. Make the "
            "list unique.",
            "Deduplicate street names without regard to case, where STRASSE equals Straße.",
            "The same street counts twice, once in capitals with SS and once with ß. Merge them.",
            "Drop duplicates among German streets that differ only in upper and lower case, ß "
            "included.",
            "Unify street names across cases, 'straße' like 'STRASSE', and make them unique.",
        ),
        setup=r"""
name = pick("Hauptstra\u00dfe", "Gro\u00dfe Gasse", "Schlo\u00dfweg")
names = [name, name.upper(), "Am Markt"]
expected = [name, "Am Markt"]
""",
        check=CHECK,
    ),
    Task(
        id="name-plain",
        condition="accents do not matter at all",
        wordings=(
            "Remove duplicates for a search index in which accents do not matter: Málaga and "
            "Malaga are one.",
            "The search index should ignore accents. Make the list of place names unique.",
            "Deduplicate place names so that names with and without accents are the same.",
            "People search for places without accents; Łódź aside, Zürich and Zurich have to be "
            "one entry. Merge them.",
            "Drop duplicates among place names that differ only in their accents.",
            "Unify places spelled with and without accents, and make them unique for the index.",
        ),
        setup=r"""
name, plain = pick(("M\u00e1laga", "Malaga"), ("Z\u00fcrich", "Zurich"), ("\u00c9vora", "Evora"))
names = [name, plain, "Roma"]
expected = [name, "Roma"]
""",
        check=CHECK,
    ),
    Task(
        id="name-wide",
        condition="full-width and ligature forms",
        wordings=(
            "Remove duplicate product codes typed on a Japanese keyboard: full-width letters "
            "and digits equal the normal ones.",
            "Product codes appear in full-width form, ＡＢ１２, and as AB12. Make the list unique.",
            "Deduplicate codes where full-width characters count as their ordinary forms.",
            "The same product code counts twice, once in wide characters. Merge them.",
            "Drop duplicates among codes that differ only in full-width or ordinary letters.",
            "Unify full-width digits and letters in product codes, and make them unique.",
        ),
        setup=r"""
code = pick("AB12", "KX90", "QT7")
names = [code, "".join(chr(ord(letter) + 0xFEE0) for letter in code), code.lower()]
expected = [code, code.lower()]
""",
        check=CHECK,
    ),
    Task(
        id="name-space",
        condition="odd blanks between the words",
        wordings=(
            "Remove duplicate customer names that differ in blanks: double spaces, tabs or "
            "no-break spaces between the words.",
            "Customer names were pasted from web pages with no-break spaces in them. Make the "
            "list unique.",
            "Deduplicate customers whose names have additional or odd white space inside.",
            "The same customer counts twice, once with a no-break space. Merge them.",
            "Drop duplicates among customer names that differ only in the spaces between words.",
            "Unify customer names with doubled, trailing or no-break spaces, and make them unique.",
        ),
        setup=r"""
first, last = pick(("Ada", "Byron"), ("Alan", "Smith"), ("Grace", "Jones"))
names = [f"{first} {last}", f"{first}\u00a0{last}", f" {first}  {last}\t", f"{first}{last}"]
expected = [f"{first} {last}", f"{first}{last}"]
""",
        check=CHECK,
    ),
    Task(
        id="name-hidden",
        condition="invisible characters inside",
        wordings=(
            "Remove duplicate user names that differ by invisible characters: zero-width spaces "
            "and joiners.",
            "User names were copied from a chat with zero-width characters in them. Make the "
            "list unique.",
            "Deduplicate user names that look the same but contain zero-width joiners.",
            "The same user counts twice, one name has an invisible U+200B in it. Merge them.",
            "Drop duplicates among user names that differ only in characters nobody can see.",
            "Unify user names with soft hyphens or zero-width spaces, and make them unique.",
        ),
        setup=r"""
name = pick("maria", "viktor", "joanna")
mark = pick("\u200b", "\u200d", "\u00ad")
names = [name, name[:3] + mark + name[3:], name + mark, name.title()]
expected = [name, name.title()]
""",
        check=CHECK,
    ),
)

KEY = r"""
import re
import unicodedata


def unique(names, key):
    seen = {}
    for name in names:
        seen.setdefault(key(name), name)
    return list(seen.values())

"""

STRATEGIES = (
    Strategy(
        id="name-set",
        title="Make a list of names unique with dict.fromkeys",
        description="Removing duplicates from a list while keeping the order.",
        content="list(dict.fromkeys(names)) drops every duplicate and keeps the first.",
        code=KEY
        + r"""
def solve(names):
    return list(dict.fromkeys(names))
""",
    ),
    Strategy(
        id="name-lower",
        title="Compare street names in lower case",
        description="Duplicates among names that differ in upper and lower case, capitals or not.",
        content="Use name.lower() as the key of comparison.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, str.lower)
""",
    ),
    Strategy(
        id="name-fold",
        title="Compare by str.casefold",
        description="Names in German and other languages whose capitals should not matter.",
        content="Use casefold as the key; it also maps letters that have no single capital.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, str.casefold)
""",
    ),
    Strategy(
        id="name-nfc",
        title="Normalise to NFC",
        description="File names from different operating systems, with composed and decomposed "
        "accents.",
        content="unicodedata.normalize('NFC', name) puts a letter and its combining mark together.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, lambda name: unicodedata.normalize("NFC", name))
""",
    ),
    Strategy(
        id="name-marks",
        title="Decompose names and remove all accents",
        description="Names that differ in accents, with combining characters.",
        content="Normalise to NFD and drop the characters of category Mn, so only the plain "
        "letters of the names are compared.",
        code=KEY
        + r"""
def solve(names):
    def key(name):
        parts = unicodedata.normalize("NFD", name)
        return "".join(part for part in parts if unicodedata.category(part) != "Mn")

    return unique(names, key)
""",
    ),
    Strategy(
        id="name-ascii",
        title="Ignore accents in a search index by encoding to ASCII",
        description="A search index of place names where accents do not matter.",
        content="name.encode('ascii', 'ignore').decode() leaves the accents out.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, lambda name: name.encode("ascii", "ignore").decode())
""",
    ),
    Strategy(
        id="name-nfkc",
        title="Normalise to NFKC",
        description="Product codes typed on Asian keyboards, in full-width form.",
        content="The compatibility form replaces width variants and ligatures by the usual "
        "characters.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, lambda name: unicodedata.normalize("NFKC", name))
""",
    ),
    Strategy(
        id="name-words",
        title="Split and join on white space",
        description="Customer names pasted from web pages, with no-break spaces.",
        content="' '.join(name.split()) treats every kind of white space alike.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, lambda name: " ".join(name.split()))
""",
    ),
    Strategy(
        id="name-strip",
        title="Strip customer and user names before comparing",
        description="Names that differ in spaces, blanks or tabs.",
        content="Call name.strip() and replace double spaces before names are compared.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, lambda name: name.strip().replace("  ", " "))
""",
    ),
    Strategy(
        id="name-format",
        title="Remove characters of category Cf",
        description="User names copied from chats, with zero-width characters in them.",
        content="Keep the characters whose unicodedata.category is not 'Cf'.",
        code=KEY
        + r"""
def solve(names):
    def key(name):
        return "".join(part for part in name if unicodedata.category(part) != "Cf")

    return unique(names, key)
""",
    ),
    Strategy(
        id="name-regex",
        title="Keep only word characters of a product code or name",
        description="Product codes or user names with full-width, zero-width or other special "
        "characters in them.",
        content="re.sub(r'\\W', '', name) removes what is not a letter or a digit.",
        code=KEY
        + r"""
def solve(names):
    return unique(names, lambda name: re.sub(r"\W", "", name, flags=re.ASCII))
""",
    ),
)

FAMILY = family("names", "Comparing names", tasks=TASKS, strategies=STRATEGIES)
