"""Files and paths: find the right files, all of them and no others."""

from benchmarks.workshop.model import Strategy, Task, family

SHARED = r"""
import os
from pathlib import Path

folder = Path(pick("data", "work", "archive"))


def make(*names):
    for age, name in enumerate(names):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        os.utime(file, (1_700_000_000 - 60 * age, 1_700_000_000 - 60 * age))
"""

CHECK = r"""
found = solve(folder, pattern)
assert found == expected, f"{folder}/{pattern}: got {found!r}, wanted {expected!r}"
"""

TASKS = (
    Task(
        id="dir-bracket",
        condition="the name contains square brackets",
        wordings=(
            "Find a download by its exact name, which contains square brackets like "
            "'report[1].csv'.",
            "The browser named a download 'report[1].csv', with brackets. Look it up in the "
            "folder.",
            "Check whether a download with square brackets in its exact file name is there.",
            "Downloads called 'scan[2].pdf' are not found although the file exists; the name "
            "has brackets.",
            "Locate the downloaded file whose exact name has [ and ] in it.",
            "Search the folder for exactly this download, brackets in the name included.",
        ),
        setup=r"""
pattern = pick("report[1].csv", "scan[2].csv", "photo[3].csv")
make(pattern, pattern.replace("[", "").replace("]", ""))
expected = [pattern]
""",
        check=CHECK,
    ),
    Task(
        id="dir-deep",
        condition="files in subfolders count",
        wordings=(
            "List all configuration files of a project, also those in its subfolders at any depth.",
            "Find every configuration file below a project folder, however deep it lies.",
            "Collect the configuration files of the whole tree, subfolders included.",
            "Some configuration files are missing from the list: they lie in subfolders of "
            "subfolders.",
            "Search a project folder and everything under it for configuration files.",
            "Get the project's configuration files from all levels of the folder tree.",
        ),
        setup=r"""
pattern = pick("*.toml", "*.ini", "*.cfg")
end = pattern[1:]
make(f"a{end}", f"sub/b{end}", f"sub/deep/c{end}", "sub/readme.md")
expected = [f"a{end}", f"sub/b{end}", f"sub/deep/c{end}"]
""",
        check=CHECK,
    ),
    Task(
        id="dir-flat",
        condition="subfolders must not be touched",
        wordings=(
            "List the incoming invoices that lie directly in the inbox; copies in its "
            "subfolders must be left alone.",
            "Find invoices in the inbox folder itself, not in the 'done' folder below it.",
            "Collect the inbox's own invoices only; what is in subfolders was processed already.",
            "Invoices were processed twice because files of the subfolder 'done' were found too.",
            "Search the top level of the inbox for invoices, no subfolders.",
            "Get the invoices of the inbox, ignoring everything deeper.",
        ),
        setup=r"""
pattern = pick("*.pdf", "*.xml", "*.txt")
end = pattern[1:]
make(f"i1{end}", f"i2{end}", f"done/i0{end}", "note.md")
expected = [f"i1{end}", f"i2{end}"]
""",
        check=CHECK,
    ),
    Task(
        id="dir-case",
        condition="endings in capitals and small letters",
        wordings=(
            "List the photos of a camera card; the ending is sometimes .JPG, sometimes .jpg.",
            "Find all photos whether their ending is in capitals or in small letters.",
            "Collect photos from a card on which both IMG_1.JPG and img_2.jpg occur.",
            "Half of the photos are missing from the list, those whose ending is in capital "
            "letters.",
            "Search the card for photos, upper or lower case endings alike.",
            "Get every photo, no matter how the camera wrote the ending: .jpg, .Jpg or .JPG.",
        ),
        setup=r"""
pattern = pick("*.jpg", "*.png", "*.gif")
end = pattern[1:]
make(f"img_1{end}", f"img_2{end.upper()}", f"img_3{end.title()}", "notes.txt")
expected = [f"img_1{end}", f"img_2{end.upper()}", f"img_3{end.title()}"]
""",
        check=CHECK,
    ),
    Task(
        id="dir-pages",
        condition="numbers in names decide the order",
        wordings=(
            "List scanned pages in reading order: page2 comes before page10.",
            "Find the scanned pages and sort them by the number in the name.",
            "Collect pages page1, page2, page10 in that order, by number.",
            "The merged scan has page 10 right after page 1; pages must be in numeric order.",
            "Search for scanned pages, ordered by page number, which has no leading zeros.",
            "Get the pages of a scan in their numeric order for merging.",
        ),
        setup=r"""
pattern = pick("page*.txt", "scan*.txt", "leaf*.txt")
stem = pattern[:4]
make(f"{stem}10.txt", f"{stem}2.txt", f"{stem}1.txt", f"{stem}21.txt")
expected = [f"{stem}{n}.txt" for n in (1, 2, 10, 21)]
""",
        check=CHECK,
    ),
    Task(
        id="dir-newest",
        condition="the time of the last change decides",
        wordings=(
            "List the backups with the most recent first; their names say nothing about the date.",
            "Find backups and sort them by when they were written, newest first.",
            "Collect the backups of a folder, the latest one at the front.",
            "The wrong backup was restored: the list has to begin with the one written last.",
            "Search for backups, ordered by age, youngest first.",
            "Get the backup files from the newest to the oldest by time of writing.",
        ),
        setup=r"""
pattern = pick("*.bak", "*.zip", "*.old")
end = pattern[1:]
make(f"m3{end}", f"z1{end}", f"a2{end}")
expected = [f"m3{end}", f"z1{end}", f"a2{end}"]
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="dir-glob",
        title="Find files with sorted(folder.glob(pattern))",
        description="Files that lie directly in a folder, such as an inbox.",
        content="Path.glob finds the files that match the pattern and sorted puts their names "
        "in order.",
        code=r"""
def solve(folder, pattern):
    return sorted(path.name for path in folder.glob(pattern))
""",
    ),
    Strategy(
        id="dir-rglob",
        title="Search with rglob to be sure nothing is missed",
        description="Files of a whole project, or of an inbox and its subfolders.",
        content="folder.rglob(pattern) looks into the folder and everything under it.",
        code=r"""
def solve(folder, pattern):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(pattern))
""",
    ),
    Strategy(
        id="dir-listdir",
        title="Go through a project folder with os.listdir",
        description="The configuration files of a folder.",
        content="Take os.listdir(folder) and keep the names with the right ending.",
        code=r"""
def solve(folder, pattern):
    end = os.path.splitext(pattern)[1]
    return sorted(name for name in os.listdir(folder) if name.endswith(end))
""",
    ),
    Strategy(
        id="dir-escape",
        title="Neutralise wildcards with glob.escape",
        description="Downloads whose exact file name contains square brackets or other wildcards.",
        content="Pass the name through glob.escape before it becomes a pattern.",
        code=r"""
import glob


def solve(folder, pattern):
    return sorted(path.name for path in folder.glob(glob.escape(pattern)))
""",
    ),
    Strategy(
        id="dir-fold",
        title="Compare endings with casefold on both sides",
        description="Photos from camera cards and other devices.",
        content="Go through iterdir and match name.casefold() against pattern.casefold() with "
        "fnmatch.",
        code=r"""
import fnmatch


def solve(folder, pattern):
    names = [path.name for path in folder.iterdir()]
    return sorted(n for n in names if fnmatch.fnmatchcase(n.casefold(), pattern.casefold()))
""",
    ),
    Strategy(
        id="dir-upper",
        title="List photos twice, for .jpg and for .JPG endings",
        description="Photos of a camera whose ending is in capital or in small letters.",
        content="Glob once with the ending in lower case and once in upper case, and join both "
        "lists.",
        code=r"""
def solve(folder, pattern):
    both = [*folder.glob(pattern), *folder.glob(pattern.upper())]
    return sorted({path.name for path in both})
""",
    ),
    Strategy(
        id="dir-natural",
        title="Sort with a key that turns digits into int",
        description="Numbered pages and other series.",
        content="Split each name with re.split(r'(\\d+)', name) and convert the digit parts "
        "before comparing.",
        code=r"""
import re


def solve(folder, pattern):
    def key(name):
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]

    return sorted((path.name for path in folder.glob(pattern)), key=key)
""",
    ),
    Strategy(
        id="dir-length",
        title="Sort pages by the number in the name with a string key",
        description="Scanned pages in the order of their page number, page2 before page10.",
        content="Take the digits out of each name and sort by them.",
        code=r"""
def solve(folder, pattern):
    def key(name):
        return "".join(letter for letter in name if letter.isdigit())

    return sorted((path.name for path in folder.glob(pattern)), key=key)
""",
    ),
    Strategy(
        id="dir-mtime",
        title="Sort by st_mtime, descending",
        description="Backups from the newest to the oldest.",
        content="Use path.stat().st_mtime as the key with reverse=True.",
        code=r"""
def solve(folder, pattern):
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.name for path in found]
""",
    ),
    Strategy(
        id="dir-last",
        title="Get the newest backup by sorting the names in reverse",
        description="Backups from newest to oldest, the most recent first.",
        content="sorted(names, reverse=True) puts the latest backup at the front.",
        code=r"""
def solve(folder, pattern):
    return sorted((path.name for path in folder.glob(pattern)), reverse=True)
""",
    ),
)

FAMILY = family("folders", "Files and paths", tasks=TASKS, strategies=STRATEGIES, shared=SHARED)
