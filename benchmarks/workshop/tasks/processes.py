"""Subprocesses: start a program, feed it, and believe the right stream."""

from benchmarks.workshop.model import Strategy, Task, family

SHARED = r"""
import os
import subprocess
import sys
from pathlib import Path


def program(name, source):
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    return [sys.executable, "-I", "-S", "-X", "utf8", str(file)]
"""

CHECK = r"""
got = solve(argv, text)
assert got == expected, f"{argv[-1]!r} gave {got!r}, wanted {expected!r}"
"""

TASKS = (
    Task(
        id="sub-meta",
        condition="arguments with spaces and shell characters",
        wordings=(
            "Run a tool on a file whose name has spaces, an ampersand and a dollar sign.",
            "Call a command with a file name like 'R & D $5; new.txt' as an argument.",
            "Start a tool and hand it a name with spaces and shell characters unchanged.",
            "The tool complains about a missing file when the name contains & or ; or blanks.",
            "Execute a command on files with odd names: semicolons, dollar signs, spaces.",
            "Pass a file name full of special characters and spaces to an external tool.",
        ),
        setup=r"""
name = pick("R & D $5; new.txt", "a b; echo hi > c.txt", "costs $HOME & more.txt")
argv = [*program("tool.py", "import sys\nprint(sys.argv[1:])\n"), name]
text = ""
expected = f"[{name!r}]\n"
""",
        check=CHECK,
    ),
    Task(
        id="sub-input",
        condition="the program reads its standard input",
        wordings=(
            "Send a text through a filter program that reads standard input and prints the result.",
            "Run a filter and give it the text on stdin, then take what it prints.",
            "Pipe text into an external filter and get its output back.",
            "The filter program prints nothing because no text reaches its standard input.",
            "Feed a string to a command that works as a filter on stdin.",
            "Use an external filter: text goes in through stdin, the result comes out on stdout.",
        ),
        setup=r"""
text = pick("one\ntwo\n", "red\nblue\n", "x\ny\nz\n")
argv = program("filter.py", "import sys\nprint(sys.stdin.read().upper(), end='')\n")
expected = text.upper()
""",
        check=CHECK,
    ),
    Task(
        id="sub-noise",
        condition="warnings on stderr must stay out",
        wordings=(
            "Run a tool that prints JSON and warnings; only the JSON from standard output is "
            "wanted.",
            "Get the JSON a command prints, without the warnings it writes to stderr.",
            "Read a tool's JSON output; its deprecation warnings go to standard error and must "
            "stay out.",
            "Parsing the tool's JSON fails because warnings are mixed in; take stdout alone.",
            "Call a command for its JSON and keep the warnings on stderr separate.",
            "Collect only what the tool prints as JSON, not its warnings.",
        ),
        setup=r"""
answer = pick('{"ok": 1}', '{"rows": 3}', '{"free": 9}')
argv = program(
    "report.py",
    f"import sys\nprint('warning: old option', file=sys.stderr)\nprint('{answer}')\n",
)
text = ""
expected = answer + "\n"
""",
        check=CHECK,
    ),
    Task(
        id="sub-merged",
        condition="both streams in the order they were written",
        wordings=(
            "Run a build and keep its full log: standard output and errors together in the "
            "order they were written.",
            "Get the complete build log, error lines in their place between the normal lines.",
            "Record a build's output as the terminal shows it, stdout and stderr interleaved.",
            "The build log has all errors at the end or none; they belong between the other lines.",
            "Call the build and capture both streams as one log in the right order.",
            "Collect everything the build prints, on both streams, as a single log.",
        ),
        setup=r"""
step = pick("compile", "link", "pack")
argv = program(
    "build.py",
    "import sys\n"
    f"print('start {step}', flush=True)\n"
    f"print('error in {step}', file=sys.stderr, flush=True)\n"
    "print('end', flush=True)\n",
)
text = ""
expected = f"start {step}\nerror in {step}\nend\n"
""",
        check=CHECK,
    ),
    Task(
        id="sub-code",
        condition="the exit code is the answer",
        wordings=(
            "Run a checker whose exit code tells the result; a non-zero code has to raise an "
            "error that carries it.",
            "The checker signals problems by its exit status only. Make a failure raise with "
            "that status.",
            "Start a checker and raise when it exits with anything but 0, the exit code in the "
            "error.",
            "A failed check goes unnoticed since its output is empty; its exit code must become "
            "an exception.",
            "Call the checker and do not continue if its exit status is not zero: raise with "
            "the code.",
            "Execute a check; it prints nothing, and failure shows in the exit code, which must "
            "be raised.",
        ),
        setup=r"""
code = pick(3, 4, 7)
argv = program("check.py", f"import sys\nsys.exit({code})\n")
text = ""
""",
        check=r"""
try:
    got = solve(argv, text)
except Exception as error:
    status = getattr(error, "returncode", None)
    if status != code:
        raise
else:
    raise AssertionError(f"exit code {code} went unnoticed, got {got!r}")
""",
    ),
    Task(
        id="sub-legacy",
        condition="output in an old code page",
        wordings=(
            "Run an old command line program that prints its text in Windows code page 1252, "
            "not UTF-8.",
            "Get the output of a legacy tool; it writes umlauts as single bytes of code page 1252.",
            "Read what an old program prints; decoding its output as UTF-8 fails with "
            "UnicodeDecodeError.",
            "The legacy command prints ü as byte 0xfc; its output must become proper text.",
            "Call an old program whose printed output is cp1252 and return correct text.",
            "Collect the output of a tool from the code page era, with its umlauts intact.",
        ),
        setup=r"""
word = pick("Müller", "Grüße", "schön")
argv = program(
    "old.py",
    f"import sys\nsys.stdout.buffer.write({word!r}.encode('cp1252') + b'\\n')\n",
)
text = ""
expected = word + "\n"
""",
        check=CHECK,
    ),
    Task(
        id="sub-flood",
        condition="more output than a pipe holds",
        wordings=(
            "Run a command that prints several hundred kilobytes and return all of it; it must "
            "not hang.",
            "A command with very large output blocks for ever. Get the whole output.",
            "Start a program that writes a huge listing and read it completely without a deadlock.",
            "The command hangs as soon as it prints a lot; wait for it and get everything.",
            "Call a program whose output is larger than the pipe's buffer, no blocking.",
            "Collect hundreds of kilobytes of a command's output; waiting for it must not "
            "deadlock.",
        ),
        setup=r"""
lines = pick(9_000, 10_000, 11_000)
argv = program("list.py", f"for n in range({lines}):\n    print('entry', n, 'x' * 20)\n")
text = ""
expected = "".join(f"entry {n} {'x' * 20}\n" for n in range(lines))
""",
        check=r"""
got = solve(argv, text)
assert len(got) == len(expected), f"got {len(got)} characters of {len(expected)}"
assert got == expected, "the listing was changed on its way"
""",
    ),
)

STRATEGIES = (
    Strategy(
        id="sub-shell",
        title="Run a tool as one command line with shell=True",
        description="Calling a command with a file name and options.",
        content="Join the command and its arguments with blanks and call subprocess.run(line, "
        "shell=True), as one would type it.",
        code=r"""
def solve(argv, text):
    line = " ".join(argv)
    return subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
""",
    ),
    Strategy(
        id="sub-list",
        title="Pass the arguments as a list and take stdout",
        description="A command or tool that gets a file name with spaces or special characters, "
        "or whose JSON is read without the warnings.",
        content="subprocess.run(argv, capture_output=True, text=True).stdout: each list element "
        "arrives as it is and stderr is kept apart.",
        code=r"""
def solve(argv, text):
    return subprocess.run(argv, capture_output=True, text=True).stdout
""",
    ),
    Strategy(
        id="sub-feed",
        title="Hand the text over with input=",
        description="Filter programs that read a text from standard input.",
        content="subprocess.run(argv, input=text, capture_output=True, text=True) writes, "
        "closes and reads.",
        code=r"""
def solve(argv, text):
    return subprocess.run(argv, input=text, capture_output=True, text=True).stdout
""",
    ),
    Strategy(
        id="sub-argument",
        title="Give a filter program its text as the last argument",
        description="A text has to be sent through a filter and the result is what it prints.",
        content="Append the text to the argument list and take the printed result.",
        code=r"""
def solve(argv, text):
    return subprocess.run([*argv, text], capture_output=True, text=True).stdout
""",
    ),
    Strategy(
        id="sub-stdout",
        title="Redirect stderr=STDOUT",
        description="The full log of a build, both streams as a terminal would show them.",
        content="With stdout=PIPE and stderr=STDOUT the child writes both to one pipe.",
        code=r"""
def solve(argv, text):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout
""",
    ),
    Strategy(
        id="sub-both",
        title="Join what a command prints: stdout + stderr",
        description="Output of a tool together with its warnings and errors.",
        content="Capture standard output and standard error and join them to one text.",
        code=r"""
def solve(argv, text):
    done = subprocess.run(argv, capture_output=True, text=True)
    return done.stdout + done.stderr
""",
    ),
    Strategy(
        id="sub-check",
        title="Set check=True",
        description="A checker or another command whose exit code tells the result.",
        content="subprocess.run(argv, check=True) raises CalledProcessError with the returncode.",
        code=r"""
def solve(argv, text):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
""",
    ),
    Strategy(
        id="sub-stderr",
        title="Raise if the error output is not empty",
        description="A command that failed must raise an error.",
        content="Look at stderr and raise RuntimeError with it when there is any text.",
        code=r"""
def solve(argv, text):
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.stderr:
        raise RuntimeError(done.stderr)
    return done.stdout
""",
    ),
    Strategy(
        id="sub-encoding",
        title="Pass encoding='cp1252' to run",
        description="The output of an old program, printed in Windows code page 1252.",
        content="Name the child's encoding in subprocess.run instead of text=True.",
        code=r"""
def solve(argv, text):
    return subprocess.run(argv, capture_output=True, encoding="cp1252", check=True).stdout
""",
    ),
    Strategy(
        id="sub-ignore",
        title="Decode output of a program as UTF-8 with errors='ignore'",
        description="The output of an old tool fails with UnicodeDecodeError.",
        content="Take the bytes of the output and decode them with errors='ignore', so umlauts "
        "do no harm.",
        code=r"""
def solve(argv, text):
    out = subprocess.run(argv, capture_output=True).stdout
    return out.decode("utf-8", errors="ignore")
""",
    ),
    Strategy(
        id="sub-wait",
        title="Start a command with Popen, wait for it, then read its output",
        description="A command with large output has to be waited for.",
        content="Popen(argv, stdout=PIPE), then wait(timeout=...) and read all of stdout when "
        "it is finished.",
        code=r"""
def solve(argv, text):
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        try:
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        return child.stdout.read()
""",
    ),
)

FAMILY = family("processes", "Subprocesses", tasks=TASKS, strategies=STRATEGIES, shared=SHARED)
