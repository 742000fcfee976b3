"""Text encodings: read a file whose bytes are not what they seem."""

from benchmarks.workshop.model import Strategy, Task, family

SHARED = r"""
from pathlib import Path
"""

TASKS = (
    Task(
        id="enc-mark",
        condition="file begins with a byte order mark",
        wordings=(
            "Read a CSV export that starts with a byte order mark; the first column name must "
            "come out clean.",
            "The export begins with a UTF-8 byte order mark (EF BB BF). Load it so that the "
            "first column is just 'id'.",
            "Load an Excel CSV export with a BOM at the start; looking up the first column 'id' "
            "has to work.",
            "KeyError on the first column of a CSV export: an invisible byte order mark sticks "
            "to the header. Read the file properly.",
            "Import a CSV file that Excel saved with a leading BOM; the mark must not become "
            "part of the first column's name.",
            "Get the text of a CSV export whose header row is preceded by U+FEFF, the byte "
            "order mark.",
        ),
        setup=r"""
path = Path(pick("customers.csv", "staff.csv", "suppliers.csv", "members.csv"))
expected = pick("id;name\n7;Zoë\n", "id;city\n3;Łódź\n", "id;owner\n12;Noël\n")
path.write_bytes(b"\xef\xbb\xbf" + expected.encode("utf-8"))
""",
        check=r"""
text = solve(path)
header = text.splitlines()[0].split(";")[0]
assert header == "id", f"the first column of {path} is called {header!r}, wanted 'id'"
assert text == expected, f"{path} was read as {text!r}"
""",
    ),
    Task(
        id="enc-windows",
        condition="written by an old Windows program",
        wordings=(
            "Read a letter written by an old Windows program: curly quotes and euro signs have "
            "to come out right.",
            "A text file from a 1990s Windows application has typographic quotes and a euro "
            "sign in it. Load it correctly.",
            "Load a note that our legacy Windows software wrote; smart quotes and the euro sign "
            "must survive.",
            "This document was saved by an old Windows editor. Read it with its quotation marks "
            "and euro amounts intact.",
            "An old Windows bookkeeping program wrote this text file; I need its curly quotes, "
            "dashes and euro signs right.",
            "Open an old letter from a Western European Windows machine; bytes 0x93, 0x94 and "
            "0x80 are quotes and the euro sign.",
        ),
        setup=r"""
path = Path(pick("letter.txt", "offer.txt", "reminder.txt"))
expected = pick("“Total” – 95 €\n", "“Offer” – 1 200 €\n", "The “last” call – 8 €\n")
path.write_bytes(expected.encode("cp1252"))
""",
        check=r"""
text = solve(path)
assert text == expected, f"{path} was read as {text!r}, wanted {expected!r}"
""",
    ),
    Task(
        id="enc-wide",
        condition="every second byte is zero",
        wordings=(
            "Read a text file that Windows saved as 'Unicode': every second byte is zero.",
            "The registry dump is a Windows 'Unicode' text with a zero byte after every letter. "
            "Load its text.",
            "Load a report in Microsoft's 'Unicode' text format, FF FE in front and two bytes a "
            "letter.",
            "When I print this Windows text file there are gaps, 'N a m e', with zero bytes in "
            "between. Read it right.",
            "An export from Windows uses two bytes for every letter and starts with FF FE; I "
            "need the text.",
            "Open the event log that Windows exported as Unicode text: it looks like letters "
            "with \\x00 in between.",
        ),
        setup=r"""
path = Path(pick("registry.txt", "events.txt", "dump.txt"))
expected = pick("Name=Zoë\n", "Level=Größe\n", "Key=naïve\n")
path.write_bytes(b"\xff\xfe" + expected.encode("utf-16-le"))
""",
        check=r"""
text = solve(path)
assert "\x00" not in text, f"{path} still has NUL characters: {text[:20]!r}"
assert text == expected, f"{path} was read as {text!r}, wanted {expected!r}"
""",
    ),
    Task(
        id="enc-keep",
        condition="broken bytes have to be written back unchanged",
        wordings=(
            "Load a log that has a few invalid bytes in it and write it back later byte for "
            "byte the same.",
            "Edit one line of a log with some invalid bytes; they must be preserved exactly "
            "when the file is written back.",
            "Read a UTF-8 log with stray invalid bytes so that nothing is lost: writing it back "
            "must give identical bytes.",
            "The log has some invalid bytes. I want to work on it as text, but what I write "
            "back has to be the same bytes.",
            "Patch a log file that contains a few illegal bytes; after writing it back only my "
            "change may differ.",
            "Text in, text out: the log is UTF-8 except for a few invalid bytes, which must be "
            "unchanged when written back.",
        ),
        setup=r"""
path = Path(pick("router.log", "mail.log", "door.log"))
raw = pick("user=Zoë ", "host=Łódź ", "name=Noël ").encode() + b"id=\xff\xfe\x81\nok\n"
path.write_bytes(raw)
""",
        check=r"""
text = solve(path)
back = text.encode("utf-8", "surrogateescape")
assert "ë" in text or "Ł" in text, f"good letters of {path} were lost: {text!r}"
assert back == raw, f"{path} changed from {len(raw)} to {len(back)} bytes: {back!r}"
""",
    ),
    Task(
        id="enc-twice",
        condition="text was encoded twice on its way",
        wordings=(
            "Names show up as 'ZoÃ«' and 'MÃ¼ller' in this file; it was encoded twice. Get the "
            "real names.",
            "Repair a file that was encoded twice: every accented letter has become Ã followed "
            "by another sign.",
            "The file is valid UTF-8 but says 'cafÃ©': somebody encoded the names twice. Give "
            "me the text as it was meant.",
            "A migration encoded the accented letters twice, 'GrÃ¶ÃŸe' for 'Größe'. Read the "
            "file and undo that.",
            "Accented names are garbled in the file itself (Ã©, Ã¼, Ã±) because it was encoded "
            "twice. Restore the real letters.",
            "Load the address file and turn names with doubly encoded umlauts such as 'Ã¤' back "
            "into what they were.",
        ),
        setup=r"""
path = Path(pick("names.txt", "addresses.txt", "guests.txt"))
expected = pick("Zoë Müller\n", "Größe: 42\n", "café in Málaga\n")
path.write_bytes(expected.encode("utf-8").decode("cp1252").encode("utf-8"))
""",
        check=r"""
text = solve(path)
assert "Ã" not in text, f"{path} is still garbled: {text!r}"
assert text == expected, f"{path} was read as {text!r}, wanted {expected!r}"
""",
    ),
    Task(
        id="enc-preview",
        condition="a preview, damaged letters may be lost",
        wordings=(
            "Show a preview of a log with some invalid bytes; question marks are fine, but it "
            "has to be printable.",
            "Display a preview of a damaged log on a web page. Invalid bytes may be lost, it "
            "must not stop.",
            "For a quick preview of a corrupt log: any printable text will do, damaged letters "
            "do not matter.",
            "Build a preview of a log file that contains invalid bytes; losing the bad letters "
            "is fine, printing it must work.",
            "Render a preview of a partly corrupt log, placeholders are welcome where bytes are "
            "invalid.",
            "I only want to skim a log with invalid bytes on screen; a lossy preview is fine, "
            "an exception is not.",
        ),
        setup=r"""
path = Path(pick("printer.log", "backup.log", "sensor.log"))
good = pick("naïve start", "Zoë signed in", "Łódź online")
path.write_bytes(good.encode() + b" \xff\x81\xfe\nend\n")
""",
        check=r"""
text = solve(path)
shown = text.encode("utf-8").decode("utf-8")
assert shown.startswith(good), f"preview of {path} starts {shown[:20]!r}, wanted {good!r}"
assert shown.endswith("end\n"), f"preview of {path} ends {shown[-6:]!r}"
""",
    ),
)

STRATEGIES = (
    Strategy(
        id="enc-utf8",
        title="Open text files with an explicit UTF-8 encoding",
        description="Whenever an export, a log or a customer file is read and the platform's "
        "default should not decide.",
        content="Pass encoding='utf-8' to open or read_text. Tools that export or save today "
        "write UTF-8, and a wrong file is noticed at once.",
        code=r"""
def solve(path):
    return path.read_text(encoding="utf-8")
""",
    ),
    Strategy(
        id="enc-sig",
        title="Decode with utf-8-sig",
        description="CSV exports made by spreadsheet software, with or without a byte order mark.",
        content="The codec 'utf-8-sig' accepts UTF-8 with and without the leading signature and "
        "never passes it on.",
        code=r"""
def solve(path):
    return path.read_text(encoding="utf-8-sig")
""",
    ),
    Strategy(
        id="enc-cp1252",
        title="Decode with code page 1252",
        description="Western European documents from Windows, from before everything was Unicode.",
        content="Use the codec 'cp1252'; it differs from ISO 8859-1 in the range 0x80 to 0x9f, "
        "where the punctuation lives.",
        code=r"""
def solve(path):
    return path.read_text(encoding="cp1252")
""",
    ),
    Strategy(
        id="enc-latin1",
        title="Read old Windows text as latin-1",
        description="A text file from a legacy Windows program has to load without an exception.",
        content="latin-1 maps each of the 256 bytes to a letter, so reading a text with euro "
        "signs, quotes or accents can never raise.",
        code=r"""
def solve(path):
    return path.read_text(encoding="latin-1")
""",
    ),
    Strategy(
        id="enc-replace",
        title="Read a log with invalid bytes with errors='replace'",
        description="A log or text with invalid bytes stops with UnicodeDecodeError.",
        content="Open the file as UTF-8 with errors='replace': bad bytes become a placeholder "
        "and the rest of the log is kept.",
        code=r"""
def solve(path):
    return path.read_text(encoding="utf-8", errors="replace")
""",
    ),
    Strategy(
        id="enc-utf16",
        title="Decode with UTF-16",
        description="Windows text in 16 bit units, with zero bytes between the letters.",
        content="Pass encoding='utf-16'; the codec takes the byte order from the head of the data.",
        code=r"""
def solve(path):
    return path.read_text(encoding="utf-16")
""",
    ),
    Strategy(
        id="enc-escape",
        title="Carry undecodable bytes through with surrogateescape",
        description="A program that edits a file which is not quite valid.",
        content="Decode with errors='surrogateescape' and encode with the same handler when the "
        "text is written.",
        code=r"""
def solve(path):
    return path.read_text(encoding="utf-8", errors="surrogateescape")
""",
    ),
    Strategy(
        id="enc-undo",
        title="Reverse the wrong decoding step",
        description="Accented letters that show as two signs each, because one stage guessed the "
        "encoding.",
        content="Encode the string with the codec that was guessed, cp1252 most of the time, and "
        "decode the result as UTF-8.",
        code=r"""
def solve(path):
    return path.read_text(encoding="utf-8").encode("cp1252").decode("utf-8")
""",
    ),
    Strategy(
        id="enc-drop",
        title="Strip garbled accents and invisible letters from names",
        description="Names with Ã in them, an invisible mark in a column name, zero bytes "
        "between letters.",
        content="Encode to ASCII with errors='ignore' and decode again; whatever is odd is gone "
        "from the text.",
        code=r"""
def solve(path):
    raw = path.read_bytes()
    return raw.decode("utf-8", "ignore").encode("ascii", "ignore").decode("ascii")
""",
    ),
)

FAMILY = family("encodings", "Text encodings", tasks=TASKS, strategies=STRATEGIES, shared=SHARED)
