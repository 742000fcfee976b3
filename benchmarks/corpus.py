"""Text to measure with: lessons and tasks of a working programmer, as many as asked for.

Sentences are put together from the words of ten fields of work, so that texts of
one field share vocabulary and differ in what they say, as real memories do. The
same numbers give the same text everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from memory_core.model import Kind

LESSONS_PER_TASK = 5
KINDS: tuple[Kind, ...] = ("strategy", "strategy", "pitfall", "fact")
MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class Field:
    """The words of one field of work; every list is one slot of the sentences."""

    name: str
    doing: tuple[str, ...]
    things: tuple[str, ...]
    tools: tuple[str, ...]
    signs: tuple[str, ...]
    causes: tuple[str, ...]
    cures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """What one item says."""

    kind: Kind
    title: str
    description: str
    content: str
    task: str


def _field(name: str, *slots: str) -> Field:
    doing, things, tools, signs, causes, cures = (
        tuple(part.strip() for part in slot.split(";")) for slot in slots
    )
    return Field(name, doing, things, tools, signs, causes, cures)


FIELDS = (
    _field(
        "tables of text",
        "import; merge; clean; split; validate; export; deduplicate; summarise",
        "the customer list; a supplier price file; the bank statement; survey answers; "
        "the stock ledger; sensor readings; a payroll sheet; the order history",
        "the csv module; pandas; DuckDB; a spreadsheet; awk; polars",
        "accents turn into question marks; the first column has a strange name; "
        "leading zeros are gone; rows are shifted by one; a quoted line break ends the record; "
        "amounts are read as text; the last line is lost",
        "a byte order mark at the start; a decimal comma; an unescaped quote; "
        "mixed line ends; a header in the third row; an older code page",
        "open it with utf-8-sig; read every column as text first; sniff the delimiter on a sample; "
        "keep the raw line beside the parsed one; count records before and after",
    ),
    _field(
        "databases",
        "migrate; index; back up; query; partition; replicate; tune; archive",
        "the orders table; a users schema; the audit trail; a job queue; the ledger; "
        "session storage; the search table; a reporting view",
        "PostgreSQL; SQLite; MySQL; Redis; an ORM; pgbouncer",
        "the transaction waits for a lock; a query takes minutes; the connection pool runs dry; "
        "a unique constraint fails; the replica is behind; the disk fills up",
        "a missing index on the foreign key; an idle transaction; a sequential scan; "
        "implicit casts in the join; autovacuum that never ends; two writers on one file",
        "create the index concurrently; add the column without a default; set a statement timeout; "
        "batch the update by primary key; read the plan with real parameters",
    ),
    _field(
        "web services",
        "call; paginate; secure; mock; deploy; throttle; version; monitor",
        "the payment gateway; a webhook receiver; the login endpoint; the upload service; "
        "a GraphQL schema; the public catalogue; the mail sender; a rate limiter",
        "httpx; FastAPI; nginx; curl; an API gateway; OpenAPI",
        "the client gets a 502; retries double the orders; the token expires half-way; "
        "CORS blocks the call; the body is empty; a redirect drops the header",
        "no idempotency key; a proxy timeout shorter than the handler; a clock that is off; "
        "a trailing slash; a cached preflight; an unread response body",
        "send an idempotency key with each attempt; back off with jitter; log the request id; "
        "pin the content type; verify the signature over the raw body",
    ),
    _field(
        "time",
        "schedule; convert; compare; parse; round; store; display; test",
        "meeting invitations; the billing period; log timestamps; a cron job; birthdays; "
        "flight times; the retention window; a countdown",
        "zoneinfo; datetime; cron; a calendar feed; pandas; the tz database",
        "the reminder comes an hour late; a day is counted twice; midnight falls on the wrong "
        "date; the job runs twice in autumn; dates sort as text; the month overflows",
        "a naive datetime; daylight saving; a fixed offset in place of a zone; "
        "local time in the log; a two-digit year; month arithmetic by thirty days",
        "store UTC and the zone's name; ask for the fold; compare aware values only; "
        "parse with an explicit format; freeze the clock in the test",
    ),
    _field(
        "processes",
        "start; supervise; stop; pipe; daemonise; sandbox; restart; trace",
        "a worker pool; the nightly build; a video encoder; the language server; "
        "a shell pipeline; the crawler; a container; the backup script",
        "subprocess; systemd; supervisord; docker; multiprocessing; bash",
        "the child hangs; output comes out of order; a zombie stays; the exit code is always zero; "
        "the pipe is full; signals are ignored",
        "an unread pipe; a shell that swallows the status; buffered output; "
        "a lock held over fork; a missing init in the container; an inherited descriptor",
        "read both streams at once; set pipefail; use spawn in place of fork; "
        "kill the process group; give it a timeout and log it",
    ),
    _field(
        "machine learning",
        "train; evaluate; quantise; label; fine-tune; serve; calibrate; distil",
        "a text classifier; the ranking model; image embeddings; a churn forecast; "
        "the speech model; anomaly scores; a recommender; the tokenizer",
        "PyTorch; scikit-learn; a notebook; ONNX; a GPU node; an experiment tracker",
        "the loss becomes nan; validation beats training; memory grows each epoch; "
        "results differ between runs; scores collapse after export; one class is never predicted",
        "leakage through duplicates; a learning rate too high; dropout left on; "
        "unseeded workers; labels shuffled apart; features scaled twice",
        "split by user and not by row; clip the gradient; hold out the newest month; "
        "compare against the simple baseline; check one batch by hand",
    ),
    _field(
        "front end",
        "render; animate; style; translate; test; bundle; cache; refactor",
        "the checkout form; a data grid; the navigation bar; a chart; the settings page; "
        "an image gallery; the onboarding wizard; a date picker",
        "React; TypeScript; CSS grid; Playwright; a service worker; Vite",
        "the list flickers; focus jumps to the top; the layout shifts; a stale value is shown; "
        "the bundle doubles; keyboard users are stuck",
        "an effect without dependencies; keys taken from the index; an unbounded image; "
        "state copied from props; a polyfill for every browser; a trap of focus",
        "derive it while rendering; reserve the space; memoise the row; "
        "test by role and name; split the route",
    ),
    _field(
        "infrastructure",
        "provision; upgrade; monitor; encrypt; scale; resize; automate; audit",
        "the Kubernetes cluster; a bastion host; the object store; a TLS certificate; "
        "the message broker; DNS records; the log pipeline; a build runner",
        "Terraform; Helm; Ansible; Prometheus; a cloud console; certbot",
        "pods restart in a loop; the plan wants to replace everything; the certificate expired; "
        "alerts arrive too late; the node runs out of inodes; a rollout is stuck",
        "a readiness probe that asks the database; drift made by hand; a hard-coded zone; "
        "a limit below the usual load; an unpinned image; rotated keys",
        "pin the version and the digest; import the resource first; probe what the pod owns; "
        "rehearse the restore; drain before the upgrade",
    ),
    _field(
        "numbers",
        "add up; round; compare; plot; simulate; convert; invert; aggregate",
        "invoice amounts; exchange rates; test scores; coordinates; probabilities; "
        "a sparse matrix; temperature series; interest over years",
        "decimal; numpy; fractions; a spreadsheet; scipy; a calculator script",
        "the total is off by a cent; two equal values differ; the mean is nan; "
        "the matrix is singular; percentages add up to 99; the result is negative zero",
        "binary floating point; rounding at every step; integer division; "
        "a missing value as zero; mixed currencies; catastrophic cancellation",
        "use Decimal from text; round once at the end; compare with a tolerance; "
        "sum with fsum; keep cents as integers",
    ),
    _field(
        "version control",
        "rebase; review; revert; bisect; tag; release; split; recover",
        "a long branch; the release notes; a huge commit; the submodule; a lost stash; "
        "the changelog; a merge conflict; the hotfix",
        "git; a pull request; pre-commit; a merge queue; a bot; a code owner file",
        "history shows the work twice; the build is red after the merge; a secret was pushed; "
        "the tag points elsewhere; a file comes back; line ends change everywhere",
        "a force push on a shared branch; a squash of half the work; an ignored lock file; "
        "autocrlf; a skipped hook; two renames at once",
        "push with a lease; bisect with a script; rotate the secret first; "
        "commit the rename alone; tag after the build is green",
    ),
)
_WHEN = (
    "on a laptop with little memory",
    "before the quarterly close",
    "while colleagues keep working on it",
    "in a container without a network",
    "for a client in another country",
    "with millions of records",
    "during a live incident",
    "after an upgrade of the library",
    "when two teams share it",
    "for a first prototype",
    "under a strict deadline",
    "with data that nobody may see",
)
_ASKED = (
    "{doing} {thing} with {tool} {when}",
    "We have to {doing} {thing} {when}; so far {sign}.",
    "{doing} {thing}; {sign} although {tool} says that all is well",
    "Help me {doing} {thing} {when}. I use {tool} and suspect {cause}.",
    "Find out why {sign} as soon as we {doing} {thing} with {tool}",
)
_TITLES = (
    "To {doing} {thing}: {cure}",
    "{cure} when {sign}",
    "Suspect {cause} if {sign}",
    "{tool} and {thing}: mind {cause}",
)
_CONTENTS = (
    (
        "When {sign}, look for {cause} first. {cure}; then {doing} {thing} again with {tool}. "
        "It worked {when}."
    ),
    (
        "We tried to {doing} {thing} {when} and {sign}. The reason was {cause}. "
        "What helped: {cure}, and after that {cure2}. {tool} alone does not tell."
    ),
    (
        "Do not {doing} {thing} before you ruled out {cause}: otherwise {sign}. "
        "Prefer to {cure}. {when}, {cure2} as well."
    ),
    (
        "{tool} hides {cause}. The sign is that {sign}. {cure}, check a small part of {thing} by "
        "hand, and only then go on {when}."
    ),
)
_DESCRIPTIONS = (
    "Use it when {sign}; not {when}.",
    "For {thing} with {tool}.",
    "",
)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _filled(template: str, field: Field, chance: random.Random) -> str:
    cure, cure2 = chance.sample(field.cures, 2)
    text = template.format(
        doing=chance.choice(field.doing),
        thing=chance.choice(field.things),
        tool=chance.choice(field.tools),
        sign=chance.choice(field.signs),
        cause=chance.choice(field.causes),
        when=chance.choice(_WHEN),
        cure=cure,
        cure2=cure2,
    )
    return ". ".join(_capital(part) for part in text.split(". "))


def _unlike(made: set[str], template_of: tuple[str, ...], chance: random.Random) -> str:
    """A sentence that is not in `made` yet; added to it."""
    for _ in range(MOST_TRIES):
        text = _filled(chance.choice(template_of), chance.choice(FIELDS), chance)
        if text not in made:
            made.add(text)
            return text
    raise ValueError(f"the words are used up after {len(made)} sentences")


def lessons(count: int, seed: int = 0) -> Iterator[Text]:
    """Give `count` lessons, no two alike; the first n are the same for every count.

    About five lessons come from each task, as when several were distilled from one.
    """
    chance = random.Random(seed)
    tasks: list[str] = []
    made: set[str] = set()
    for number in range(count):
        field = FIELDS[number // LESSONS_PER_TASK % len(FIELDS)]
        if number % LESSONS_PER_TASK == 0:
            tasks.append(_filled(chance.choice(_ASKED), field, chance))
        content = _filled(chance.choice(_CONTENTS), field, chance)
        while content in made:
            content = _filled(chance.choice(_CONTENTS), field, chance)
        made.add(content)
        yield Text(
            kind=chance.choice(KINDS),
            title=_filled(chance.choice(_TITLES), field, chance),
            description=_filled(chance.choice(_DESCRIPTIONS), field, chance),
            content=content,
            task=tasks[-1],
        )


def queries(seed: int = 1) -> Iterator[str]:
    """Give tasks without end, no two alike."""
    chance = random.Random(seed)
    made: set[str] = set()
    while True:
        yield _unlike(made, _ASKED, chance)
