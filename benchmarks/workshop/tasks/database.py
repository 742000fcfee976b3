"""SQLite: find the rows that a person means."""

from benchmarks.workshop.model import Strategy, Task, family

SHARED = r"""
import sqlite3

db = sqlite3.connect(":memory:")
db.execute("create table person (id integer primary key, city text)")


def fill(*cities):
    db.executemany("insert into person (city) values (?)", [(city,) for city in cities])
"""

CHECK = r"""
got = solve(db, term)
assert got == expected, f"search for {term!r} found rows {got!r}, wanted {expected!r}"
"""

TASKS = (
    Task(
        id="sql-quote",
        condition="the value contains an apostrophe",
        wordings=(
            "Select the people of a city by exact name; some names contain an apostrophe, "
            "like L'Aquila.",
            "Find rows where the city equals a user's input such as \"Land's End\".",
            "Query people by city; a name with an apostrophe must work.",
            "The query for the city L'Aquila stops with a syntax error; search by exact name.",
            "Get all people of exactly the given city, apostrophes in the name included.",
            "Look up the people of one city whose name can contain a single quote.",
        ),
        setup=r"""
term = pick("L'Aquila", "Land's End", "Val-d'Or")
fill("Rome", term, term.replace("'", ""), term + " Nord")
expected = [2]
""",
        check=CHECK,
    ),
    Task(
        id="sql-unset",
        condition="the value may be NULL",
        wordings=(
            "Select the people with the same city as a given record, also when that city is "
            "unset, NULL.",
            "Find rows whose city equals a value that may be None; None must find the rows "
            "without a city.",
            "Query people by city where the value can be NULL and has to match NULL.",
            "Searching for city None finds nothing although rows without a city exist.",
            "Get the people whose city is unset when the given city is None.",
            "Look up people by a city that might be NULL in both places.",
        ),
        setup=r"""
term = None
fill(pick("Rome", "Oslo", "Bonn"), None, "Bari", None)
expected = [2, 4]
""",
        check=CHECK,
    ),
    Task(
        id="sql-several",
        condition="a list of values",
        wordings=(
            "Select the people who live in any of several cities, given as a list.",
            "Find rows whose city is one of the cities in a Python list.",
            "Query people by a list of cities of any length.",
            "'Error binding parameter' when a list of cities is passed to the query; any of "
            "them should match.",
            "Get all people from the cities of a list, which comes from a form.",
            "Look up the people of three or more cities with one query.",
        ),
        setup=r"""
term = pick(["Rome", "Bari"], ["Rome", "Bari", "Pisa"], ["Rome", "Bari", "Lodi", "Pisa"])
fill("Rome", "Oslo", "Bari", "Bonn")
expected = [1, 3]
""",
        check=CHECK,
    ),
    Task(
        id="sql-contains",
        condition="a part of the text, with % or _ in it",
        wordings=(
            "Select rows whose text contains a search term typed by the user, in which % and _ "
            "are ordinary characters.",
            "Find rows that contain '50%' literally, not everything with 50 in it.",
            "Query for a part of the text; the term may have a percent sign or an underscore "
            "that mean themselves.",
            "Searching for a_b also finds axb; underscore and percent sign in the term must be "
            "literal.",
            "Get the rows that contain the user's term, percent signs taken literally.",
            "Look up texts that contain a term such as 100% or x_y exactly as typed.",
        ),
        setup=r"""
term = pick("50%", "a_b", "9%")
other = pick("50 or 500", "the axb way", "9 of 10")
fill(f"only {term} left", other, "nothing", f"{term}!")
expected = [1, 4]
""",
        check=CHECK,
    ),
    Task(
        id="sql-start",
        condition="the beginning of the text, capitals do not matter",
        wordings=(
            "Select the people whose city begins with what the user typed, small letters allowed.",
            "Find rows for an autocomplete field: the city starts with the typed letters, "
            "ignoring case.",
            "Query people by the first letters of the city, upper or lower case.",
            "Autocomplete: typing 'ro' should find Rome and Rostock, not Cairo.",
            "Get all people whose city starts with a prefix, case does not matter.",
            "Look up cities by their beginning for suggestions while typing.",
        ),
        setup=r"""
term = pick("ro", "ba", "li")
one, two, three = pick(
    ("Rome", "Rostock", "Cairo"), ("Bari", "Basel", "Cuba"), ("Lima", "Linz", "Bali")
)
fill(one, three, two)
expected = [1, 3]
""",
        check=CHECK,
    ),
    Task(
        id="sql-umlaut",
        condition="capitals do not matter, umlauts included",
        wordings=(
            "Select the people of a city without regard to capitals; names have umlauts, such "
            "as ÖREBRO and Örebro.",
            "Find rows where the city equals the input ignoring case, for names with letters "
            "like Å and Ö.",
            "Query people by city, case-insensitive also for umlauts and accented letters.",
            "Case does not matter for Rome, but örebro is not found; umlauts need it too.",
            "Get all people of a city like Ålborg, capital or small accented letters alike.",
            "Look up a city with umlauts regardless of upper and lower case.",
        ),
        setup=r"""
term = pick("örebro", "ålborg", "ÉVORA")
fill(term.upper(), term.lower(), "Rome", term.title() + "s")
expected = [1, 2]
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="sql-format",
        title="Put the city name in quotes into the query with an f-string",
        description="People are looked up by city or name.",
        content="Write the query as f\"... where city = '{name}'\"; it can be read and logged as "
        "it runs.",
        code=r"""
def solve(db, term):
    rows = db.execute(f"select id from person where city = '{term}' order by id")
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-bind",
        title="Bind the value with a question mark",
        description="Exact comparison with a name that users typed, apostrophes and all.",
        content="Write city = ? and pass the value in a tuple; the driver takes care of quotes.",
        code=r"""
def solve(db, term):
    rows = db.execute("select id from person where city = ? order by id", (term,))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-is",
        title="Compare with IS ?",
        description="People or rows by a city or another value that may be NULL.",
        content="In SQLite the operator IS compares like =, but two NULLs are the same.",
        code=r"""
def solve(db, term):
    rows = db.execute("select id from person where city is ? order by id", (term,))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-coalesce",
        title="Search for rows without a city with = '' instead of NULL",
        description="The given city may be None or unset, and rows without a city should be found.",
        content="Pass term or '' as the parameter, so that None becomes an empty text and finds "
        "the rows without a city.",
        code=r"""
def solve(db, term):
    rows = db.execute("select id from person where city = ? order by id", (term or "",))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-marks",
        title="Make one placeholder per element of a list for IN",
        description="People from any of several cities or groups in a Python list.",
        content="Build 'in (?, ?, ...)' from the length and pass the elements as parameters.",
        code=r"""
def solve(db, term):
    marks = ", ".join("?" * len(term))
    rows = db.execute(f"select id from person where city in ({marks}) order by id", list(term))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-tuple",
        title="Query a list of cities with city IN (?)",
        description="People from any of several cities given as a Python list.",
        content="Write 'city in (?)' and pass the list of cities as the parameter of the query.",
        code=r"""
def solve(db, term):
    rows = db.execute("select id from person where city in (?) order by id", (term,))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-like",
        title="Search text that contains or starts with the user's term with LIKE '%term%'",
        description="Find rows whose text contains what the user typed, autocomplete and "
        "suggestions.",
        content="Put percent signs around the term and bind it to LIKE ?, which ignores case.",
        code=r"""
def solve(db, term):
    rows = db.execute("select id from person where city like ? order by id", (f"%{term}%",))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-instr",
        title="Use instr(text, ?) > 0",
        description="A part of a text, literal, with percent signs and underscores in it.",
        content="instr looks for the characters themselves and knows no wildcards.",
        code=r"""
def solve(db, term):
    rows = db.execute("select id from person where instr(city, ?) > 0 order by id", (term,))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-prefix",
        title="Bind the term with a trailing wildcard only",
        description="Suggestions while somebody is typing the beginning of a name.",
        content="city LIKE ? with term + '%' is anchored at the front, and LIKE ignores the "
        "case of A to Z.",
        code=r"""
def solve(db, term):
    rows = db.execute("select id from person where city like ? order by id", (f"{term}%",))
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-nocase",
        title="Add COLLATE NOCASE to the comparison",
        description="City names regardless of capitals, case-insensitive.",
        content="where city = ? collate nocase compares without regard to case.",
        code=r"""
def solve(db, term):
    rows = db.execute(
        "select id from person where city = ? collate nocase order by id", (term,)
    )
    return [row[0] for row in rows]
""",
    ),
    Strategy(
        id="sql-function",
        title="Register str.casefold with create_function",
        description="City names with umlauts, without regard to upper and lower case.",
        content="Call db.create_function('fold', 1, ...) and compare fold(city) = fold(?).",
        code=r"""
def solve(db, term):
    db.create_function("fold", 1, lambda text: text.casefold() if text else text)
    rows = db.execute("select id from person where fold(city) = fold(?) order by id", (term,))
    return [row[0] for row in rows]
""",
    ),
)

FAMILY = family("database", "SQLite", tasks=TASKS, strategies=STRATEGIES, shared=SHARED)
