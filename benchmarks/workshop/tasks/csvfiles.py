"""CSV files: the format everybody knows and nobody follows."""

from benchmarks.workshop.model import Strategy, Task, family

SHARED = r"""
from pathlib import Path
"""

CHECK = r"""
rows = solve(path)
assert len(rows) == len(expected), f"{path}: {len(rows)} rows, wanted {len(expected)}"
for number, (row, wanted) in enumerate(zip(rows, expected), start=1):
    for key, value in wanted.items():
        got = row[key]
        assert got == value, f"{path} row {number}: {key} is {got!r}, wanted {value!r}"
"""

TASKS = (
    Task(
        id="csv-multiline",
        condition="line breaks inside quoted fields",
        wordings=(
            "Read a CSV of support tickets; the quoted comment field contains line breaks.",
            "Ticket comments in this CSV span several lines inside quotes. Load one row per "
            "ticket.",
            "Load a comma separated ticket list whose quoted comments have newlines in them.",
            "Each ticket must be one row, although the quoted comment column of the CSV has "
            "line breaks.",
            "Import tickets from CSV; users pressed Enter in the comment field, which is in "
            "quotes.",
            "Parse a CSV of tickets with multi-line quoted comments into one record per ticket.",
        ),
        setup=r"""
path = Path(pick("tickets.csv", "issues.csv", "calls.csv"))
path.write_text('id,comment,state\n1,"no\nsound",open\n2,"a, b",done\n', newline="")
expected = [
    {"id": "1", "comment": "no\nsound", "state": "open"},
    {"id": "2", "comment": "a, b", "state": "done"},
]
""",
        check=CHECK,
    ),
    Task(
        id="csv-semicolon",
        condition="semicolons between fields, commas in numbers",
        wordings=(
            "Read a German price list in CSV: fields are separated by semicolons, prices have "
            "a decimal comma.",
            "The price list from the German office uses ; between the fields and , in the "
            "numbers. Load it.",
            "Load a CSV price list as Excel writes it in Germany, semicolons between columns "
            "and decimal commas.",
            "Prices like 3,50 sit in a semicolon separated CSV; every price must stay in one "
            "field.",
            "Import a European price list whose columns are divided by semicolons because the "
            "comma is the decimal sign.",
            "Parse the CSV price list of our German supplier; the separator is the semicolon.",
        ),
        setup=r"""
path = Path(pick("prices.csv", "tariff.csv", "menu.csv"))
path.write_text("item;price;unit\nnail;3,50;kg\nrope;12,00;m\n", newline="")
expected = [
    {"item": "nail", "price": "3,50", "unit": "kg"},
    {"item": "rope", "price": "12,00", "unit": "m"},
]
""",
        check=CHECK,
    ),
    Task(
        id="csv-varying",
        condition="another separator every time",
        wordings=(
            "Read the stock lists of several suppliers; each file has another separator: tab, "
            "pipe or semicolon.",
            "Every supplier's stock list uses a different delimiter. Load whichever comes in.",
            "Load stock lists whose separator is not known beforehand, it differs from "
            "supplier to supplier.",
            "The delimiter of the stock list changes with the sender, a tab today, a pipe "
            "tomorrow.",
            "Import supplier stock lists with an unknown delimiter that has to be found out "
            "from the file.",
            "Parse a stock list; we are never told which separator the supplier used this time.",
        ),
        setup=r"""
path = Path(pick("north.txt", "south.txt", "west.txt"))
mark = pick("\t", "|", "\t")
lines = [("part", "stock", "shelf"), ("bolt", "40", "A1"), ("gear", "7", "B2"), ("belt", "0", "C3")]
path.write_text("".join(mark.join(line) + "\n" for line in lines), newline="")
expected = [dict(zip(lines[0], line)) for line in lines[1:]]
""",
        check=CHECK,
    ),
    Task(
        id="csv-title",
        condition="title lines above the header",
        wordings=(
            "Read a sales report in CSV that has some title lines and a blank line above the "
            "header.",
            "The sales report starts with its name and date before the real header row. Load "
            "the table.",
            "Load a CSV report whose column names come only after a few lines of title.",
            "Above the header of this sales report there are descriptive lines; they must be "
            "skipped.",
            "Import a report where the table begins below a title block of varying length.",
            "Parse the sales report CSV; the first lines are a heading for humans, then comes "
            "the header row.",
        ),
        setup=r"""
path = Path(pick("sales.csv", "turnover.csv", "visits.csv"))
title = pick("Sales report\n\n", "Turnover\nmade 2026-05-01\n\n", "Visits\nweek 7\nNorth\n\n")
path.write_text(title + "day,shop,total\nMon,A,10\nTue,B,20\n", newline="")
expected = [
    {"day": "Mon", "shop": "A", "total": "10"},
    {"day": "Tue", "shop": "B", "total": "20"},
]
""",
        check=CHECK,
    ),
    Task(
        id="csv-loose",
        condition="unquoted commas in the last column",
        wordings=(
            "Read a message log in CSV whose last column, the message, contains commas without "
            "any quotes.",
            "The message at the end of each log line has unquoted commas. Load it as one field.",
            "Load a comma separated log; its last field is free text with commas and nobody "
            "quoted it.",
            "The final message column of this CSV log is cut at its first comma; keep the "
            "unquoted text whole.",
            "Import log lines of time, level and message, where the message may have commas in "
            "it, unquoted.",
            "Parse the CSV log; everything after the second comma belongs to the unquoted message.",
        ),
        setup=r"""
path = Path(pick("app.csv", "door.csv", "pump.csv"))
path.write_text("time,level,message\n07:00,info,up, at last\n07:05,warn,hot, slow, loud\n")
expected = [
    {"time": "07:00", "level": "info", "message": "up, at last"},
    {"time": "07:05", "level": "warn", "message": "hot, slow, loud"},
]
""",
        check=CHECK,
    ),
    Task(
        id="csv-backslash",
        condition="quotes escaped with backslashes",
        wordings=(
            "Read a MySQL dump in CSV; quotes inside the quoted fields are escaped with a "
            "backslash.",
            'The database dump writes \\" for a quote within a quoted CSV field. Load the rows.',
            "Load a CSV made by a MySQL export, whose quoted fields have backslash escapes.",
            "Quoted fields of this dump contain backslash-escaped quotes and commas; get the "
            "plain values.",
            "Import a CSV dump from MySQL in which a backslash stands before every inner quote.",
            "Parse the dump; fields are quoted and inner quotes are not doubled but have a "
            "backslash.",
        ),
        setup=r"""
path = Path(pick("dump.csv", "users.csv", "posts.csv"))
path.write_text('id,nick,city\n1,"the \\"big\\", fast one",Rome\n2,"x",Bari\n', newline="")
expected = [
    {"id": "1", "nick": 'the "big", fast one', "city": "Rome"},
    {"id": "2", "nick": "x", "city": "Bari"},
]
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="csv-split",
        title="Read comma separated lines with split(',')",
        description="Loading a comma separated log, list or dump without a module.",
        content="Split the text into lines, split each line at the commas and zip the fields "
        "with the header; no module is needed.",
        code=r"""
def solve(path):
    header, *lines = path.read_text().splitlines()
    names = header.split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in lines]
""",
    ),
    Strategy(
        id="csv-reader",
        title="Use csv.DictReader on a file opened with newline=''",
        description="Tickets and other tables whose quoted fields may hold line breaks.",
        content="Open with newline='' and let csv.DictReader find where a record ends.",
        code=r"""
import csv


def solve(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
""",
    ),
    Strategy(
        id="csv-lines",
        title="Feed csv.DictReader the lines of the file",
        description="A CSV of tickets, orders or comments with quoted fields, commas and line "
        "breaks in it.",
        content="csv.DictReader(text.splitlines()) handles the quotes and the commas in every row.",
        code=r"""
import csv


def solve(path):
    return list(csv.DictReader(path.read_text().splitlines()))
""",
    ),
    Strategy(
        id="csv-delimiter",
        title="Pass delimiter=';'",
        description="Price lists from countries with a decimal comma, such as Germany.",
        content="Give csv.DictReader the delimiter and leave the numbers as text.",
        code=r"""
import csv


def solve(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))
""",
    ),
    Strategy(
        id="csv-comma",
        title="Replace decimal commas and semicolons before reading",
        description="A German or European price list with semicolons and decimal commas.",
        content="Turn every semicolon into a comma first, so that the price list can be read "
        "like any other CSV.",
        code=r"""
import csv


def solve(path):
    return list(csv.DictReader(path.read_text().replace(";", ",").splitlines()))
""",
    ),
    Strategy(
        id="csv-sniff",
        title="Let csv.Sniffer look at a sample",
        description="Stock lists from suppliers who each use another separator or delimiter.",
        content="Pass the first kilobytes to csv.Sniffer().sniff and read with the dialect it "
        "returns.",
        code=r"""
import csv


def solve(path):
    with path.open(newline="") as file:
        dialect = csv.Sniffer().sniff(file.read(4096))
        file.seek(0)
        return list(csv.DictReader(file, dialect=dialect))
""",
    ),
    Strategy(
        id="csv-widest",
        title="Start at the first row that has all the columns",
        description="Reports that have a title for human readers above the table.",
        content="Read everything with csv.reader, take the largest number of fields and treat "
        "the first row of that length as the header.",
        code=r"""
import csv


def solve(path):
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    width = max(map(len, rows))
    full = [row for row in rows if len(row) == width]
    return [dict(zip(full[0], row)) for row in full[1:]]
""",
    ),
    Strategy(
        id="csv-skip",
        title="Skip the title line of a report with next()",
        description="A CSV report with a title or heading above the header row.",
        content="Call next(file) once before csv.DictReader, so that the header row is the "
        "first line it sees.",
        code=r"""
import csv


def solve(path):
    with path.open(newline="") as file:
        next(file)
        return list(csv.DictReader(file))
""",
    ),
    Strategy(
        id="csv-maxsplit",
        title="Limit the number of splits to the header's length",
        description="Logs whose last column is a message with commas.",
        content="Call split(',', n - 1) with n columns; the rest of the line stays together.",
        code=r"""
def solve(path):
    header, *lines = path.read_text().splitlines()
    names = header.split(",")
    return [dict(zip(names, line.split(",", len(names) - 1))) for line in lines]
""",
    ),
    Strategy(
        id="csv-escapechar",
        title="Set escapechar and doublequote=False",
        description="Dumps of database servers, with backslashes.",
        content="Tell csv.DictReader escapechar='\\\\' and doublequote=False.",
        code=r"""
import csv


def solve(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, escapechar="\\", doublequote=False))
""",
    ),
)

FAMILY = family("csvfiles", "CSV files", tasks=TASKS, strategies=STRATEGIES, shared=SHARED)
