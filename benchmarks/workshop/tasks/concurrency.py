"""Concurrency: doing several things at once, made repeatable with events."""

from benchmarks.workshop.model import Strategy, Task, family

SHARED = r"""
import threading
"""

CHECK = r"""
got = solve(work, items)
assert got == expected, f"got {got!r}, wanted {expected!r}"
"""

TASKS = (
    Task(
        id="con-order",
        condition="results belong to the order of the input",
        wordings=(
            "Fetch several pages at the same time; the results must come in the order of the "
            "addresses.",
            "Download pages in parallel and return their contents in input order, whichever "
            "finishes first.",
            "Fetch a list of pages with threads; result number n belongs to page number n.",
            "Pages are downloaded concurrently, slow ones first in the list; keep the list's "
            "order in the results.",
            "Get many pages in parallel and keep the results aligned with the inputs.",
            "Concurrent page downloads, but the answers have to be in the same order as the "
            "requests.",
        ),
        setup=r"""
items = pick(["slow", "fast"], ["late", "soon"], ["big", "small"])
expected = [name.upper() for name in items]
other_done = threading.Event()
slow = threading.Event()


def work(name):
    if name == items[0]:
        if not other_done.wait(0.6):
            raise TimeoutError(f"page {name!r}: the other download never finished")
        slow.wait(0.25)
    else:
        other_done.set()
    return name.upper()
""",
        check=CHECK,
    ),
    Task(
        id="con-single",
        condition="the library may only be entered by one thread at a time",
        wordings=(
            "Convert documents with a library that is not thread-safe: two calls at the same "
            "time crash it.",
            "The document converter must not be entered by two threads at once. Convert the "
            "whole list.",
            "Convert a list of documents; the converter raises when it is called concurrently.",
            "Documents go through a converter library that is not safe for threads, process "
            "them all.",
            "Run the converter on every document, it tolerates only a single call at a time.",
            "Our document converter breaks under parallel calls; get all documents converted.",
        ),
        setup=r"""
items = pick(["a.doc", "b.doc", "c.doc"], ["x.odt", "y.odt", "z.odt"])
expected = [name.split(".")[0] + ".pdf" for name in items]
inside = threading.Semaphore(1)
crowd = threading.Event()


def work(name):
    if not inside.acquire(blocking=False):
        crowd.set()
        raise RuntimeError(f"converter is busy, {name!r} came from a second thread")
    try:
        if name == items[0]:
            crowd.wait(0.3)
        return name.split(".")[0] + ".pdf"
    finally:
        inside.release()
""",
        check=CHECK,
    ),
    Task(
        id="con-async",
        condition="the work is a coroutine function",
        wordings=(
            "Query several sensors; the query function is a coroutine, async def, and the "
            "answers are needed in a list.",
            "Ask all sensors through an async function and return their values.",
            "Read sensors concurrently with the coroutine function that the driver offers.",
            "The sensor driver is written with async def; collect the readings of all sensors.",
            "Call an async sensor function for each sensor and gather the values.",
            "Get the values of many sensors; asking one is an awaitable call.",
        ),
        setup=r"""
import asyncio

items = pick([1, 2, 3], [4, 5], [6, 7, 8])
expected = [number * 10 for number in items]


async def work(number):
    await asyncio.sleep(0)
    return number * 10
""",
        check=CHECK,
    ),
    Task(
        id="con-two",
        condition="at most two at once, and at least two",
        wordings=(
            "Upload files to a server that allows two connections at most; a single one is too "
            "slow, partners wait for each other.",
            "The upload server refuses a third connection. Upload in parallel, two at a time.",
            "Upload files concurrently, never more than two connections open at once.",
            "Too many connections, says the upload server; it wants exactly two parallel uploads.",
            "Run the uploads in pairs: the server's limit is two connections.",
            "Send files to a server with a limit of two simultaneous uploads, using both.",
        ),
        setup=r"""
items = pick([1, 2, 3, 4], [5, 6, 7, 8], [10, 20, 30, 40])
expected = [number + 1 for number in items]
slots = threading.BoundedSemaphore(2)
pair = threading.Barrier(2)
pause = threading.Event()


def work(number):
    if not slots.acquire(blocking=False):
        raise ConnectionRefusedError(f"upload {number}: too many connections, limit is 2")
    try:
        pair.wait(0.6)
        if number in items[:2]:
            pause.wait(0.3)
        return number + 1
    finally:
        slots.release()
""",
        check=CHECK,
    ),
    Task(
        id="con-survive",
        condition="failures are results too",
        wordings=(
            "Check many links in parallel; some checks raise, and the error belongs in the "
            "result list instead of stopping the rest.",
            "Link checks run concurrently and a few raise exceptions. Return a result or the "
            "exception's name for each link.",
            "Check links with threads; a broken link must not lose the results of the others.",
            "One dead link raises and all other results are lost; report errors as values.",
            "Verify a list of links at once and put the error name where a check fails.",
            "Get an answer for every link, the name of the exception for those whose check raises.",
        ),
        setup=r"""
bad, error = pick(("two", KeyError), ("two", OSError), ("two", ValueError))
items = ["one", bad, "three"]
expected = ["ok", error.__name__, "ok"]
both = threading.Barrier(3)


def work(name):
    both.wait(0.6)
    if name == bad:
        raise error(f"link {name!r} is dead")
    return "ok"
""",
        check=CHECK,
    ),
    Task(
        id="con-home",
        condition="the object belongs to the thread that made it",
        wordings=(
            "Look up several customers through one open SQLite connection, made in the main "
            "thread.",
            "Run a query for each customer on the existing sqlite3 connection.",
            "Look customers up one by one; the database connection was created by the main "
            "thread and must be used there.",
            "SQLite complains that the connection was created in another thread; fetch all "
            "customers.",
            "Fetch customers from an SQLite connection that is bound to the thread which opened "
            "it.",
            "Get the rows of many customers via a single sqlite3 connection opened earlier.",
        ),
        setup=r"""
import sqlite3

items = pick([1, 2], [2, 3], [3, 1])
names = {1: "Ada", 2: "Bo", 3: "Cy"}
expected = [names[number] for number in items]
connection = sqlite3.connect(":memory:")
connection.execute("create table customer (id integer, name text)")
connection.executemany("insert into customer values (?, ?)", names.items())


def work(number):
    row = connection.execute("select name from customer where id = ?", (number,))
    return row.fetchone()[0]
""",
        check=CHECK,
    ),
)

STRATEGIES = (
    Strategy(
        id="con-completed",
        title="Download in parallel and collect with as_completed",
        description="Pages, files, links or documents that are fetched at the same time, "
        "whichever finishes first.",
        content="Submit every item to a ThreadPoolExecutor and take the results from "
        "as_completed, so nobody waits for a slow page.",
        code=r"""
from concurrent.futures import ThreadPoolExecutor, as_completed


def solve(work, items):
    with ThreadPoolExecutor(8) as pool:
        return [done.result() for done in as_completed([pool.submit(work, i) for i in items])]
""",
    ),
    Strategy(
        id="con-map",
        title="Use ThreadPoolExecutor.map",
        description="Downloads of pages whose results are wanted in the order of the inputs.",
        content="executor.map runs the calls concurrently and yields what they return as the "
        "inputs are ordered.",
        code=r"""
from concurrent.futures import ThreadPoolExecutor


def solve(work, items):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(work, items))
""",
    ),
    Strategy(
        id="con-loop",
        title="Use a plain loop in the calling thread",
        description="Libraries that are not safe for threads, and an SQLite connection that "
        "belongs to the main thread.",
        content="Call the function for one item after the other; nothing runs concurrently and "
        "nothing changes threads.",
        code=r"""
def solve(work, items):
    return [work(item) for item in items]
""",
    ),
    Strategy(
        id="con-lock",
        title="Put a lock around the call in a thread pool",
        description="A library or converter that is not thread-safe, or a shared database "
        "connection used from several threads.",
        content="Keep the pool, and let each worker hold a threading.Lock while it calls, so "
        "that only one is inside.",
        code=r"""
import threading
from concurrent.futures import ThreadPoolExecutor


def solve(work, items):
    lock = threading.Lock()

    def guarded(item):
        with lock:
            return work(item)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(guarded, items))
""",
    ),
    Strategy(
        id="con-gather",
        title="Run coroutines with asyncio.gather",
        description="Sensors or services that are asked through async def functions.",
        content="Create a main coroutine that awaits asyncio.gather over all calls, and start "
        "it with asyncio.run.",
        code=r"""
import asyncio


def solve(work, items):
    async def main():
        return list(await asyncio.gather(*(work(item) for item in items)))

    return asyncio.run(main())
""",
    ),
    Strategy(
        id="con-thread-async",
        title="Query sensors concurrently with asyncio.to_thread",
        description="Asking many sensors or services at once from an async function and "
        "collecting the values in a list.",
        content="Wrap each call in asyncio.to_thread(work, item) and await them together.",
        code=r"""
import asyncio


def solve(work, items):
    async def main():
        return list(await asyncio.gather(*(asyncio.to_thread(work, item) for item in items)))

    return asyncio.run(main())
""",
    ),
    Strategy(
        id="con-pair",
        title="Set max_workers=2",
        description="Servers that limit the number of connections.",
        content="A ThreadPoolExecutor with max_workers=2 never has more than two calls open.",
        code=r"""
from concurrent.futures import ThreadPoolExecutor


def solve(work, items):
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(work, items))
""",
    ),
    Strategy(
        id="con-retry",
        title="Retry uploads that are refused by the server",
        description="An upload server answers 'too many connections' to parallel uploads.",
        content="Upload everything in parallel, catch the refusal and try that upload again.",
        code=r"""
from concurrent.futures import ThreadPoolExecutor


def solve(work, items):
    def again(item):
        try:
            return work(item)
        except ConnectionError:
            return work(item)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(again, items))
""",
    ),
    Strategy(
        id="con-errors",
        title="Ask each future for its exception()",
        description="Links that are checked in a batch, where single checks may raise.",
        content="Submit all items, then take future.exception() where there is one and "
        "future.result() otherwise.",
        code=r"""
from concurrent.futures import ThreadPoolExecutor


def solve(work, items):
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work, item) for item in items]
    return [
        type(f.exception()).__name__ if f.exception() is not None else f.result() for f in futures
    ]
""",
    ),
    Strategy(
        id="con-catch",
        title="Check links in parallel inside one try block",
        description="Checking many links with threads when some checks raise exceptions.",
        content="Wrap the parallel run in try/except and return the results that came before "
        "the error.",
        code=r"""
from concurrent.futures import ThreadPoolExecutor


def solve(work, items):
    found = []
    try:
        with ThreadPoolExecutor(8) as pool:
            for result in pool.map(work, items):
                found.append(result)
    except Exception as error:
        found.append(type(error).__name__)
    return found
""",
    ),
)

FAMILY = family("concurrency", "Concurrency", tasks=TASKS, strategies=STRATEGIES, shared=SHARED)
