"""The words that callers use for ours, and for "nothing".

Only where the meaning is plain; every other word is left to the request, whose
sentence lists the words that it takes.
"""

from __future__ import annotations

import re

from memory_core.model import KINDS, OUTCOMES, STATES

SORTS = ("recent", "wins", "losses", "useful")
NOTHING = frozenset({"", "null", "none", "undefined", "nil", "n/a", "{}", "[]", '""'})
"""How hosts and models write "absent" where they must write something."""
EVERYTHING = frozenset({"all", "any", "every", "everything", "*"})
"""A filter that filters nothing."""
LESSONS = frozenset({"lesson", "lessons"})
"""As a filter, strategies and pitfalls."""

_GAP = re.compile(r"[\s_-]+")


def _words(**meant: str) -> dict[str, str]:
    return {word.strip(): name for name, words in meant.items() for word in words.split(",")}


_KINDS = _words(
    strategy=(
        "strategies, lesson, lessons, tip, tips, best practice, best practices, how to, howto, "
        "procedure, workflow, pattern, technique, approach, solution"
    ),
    pitfall=(
        "pitfalls, anti pattern, anti patterns, antipattern, mistake, mistakes, warning, "
        "warnings, gotcha, gotchas, trap, caveat, failure, error, bug"
    ),
    fact="facts, knowledge, information, info, observation, note, reference",
)
_OUTCOMES = _words(
    success=(
        "succeeded, successful, successfully, ok, okay, true, yes, pass, passed, passing, "
        "complete, completed, done, finished, solved, resolved, fixed, worked, works, won"
    ),
    partial=(
        "partially, partly, partial success, partially successful, partially completed, "
        "partially done, partially solved, mixed, incomplete, in progress"
    ),
    failure=(
        "failed, fail, fails, failing, false, no, error, errored, exception, crash, crashed, "
        "timeout, timed out, unsuccessful, unsolved, not solved, unresolved, gave up, "
        "abandoned, aborted, broken, rejected, blocked, lost"
    ),
    unknown=(
        "skip, skipped, cancelled, canceled, pending, unclear, undetermined, inconclusive, "
        "unverified, not verified, untested, not tested, not sure, unsure, n/a, none, null"
    ),
)
_STATES = _words(
    active="live, current, enabled, in use",
    retired="forgotten, deleted, removed, inactive, disabled, superseded",
    archived="archive",
)
_SORTS = _words(
    recent="newest, latest, new, date, created, created at, recency, most recent, time",
    wins="win, won, most wins, successes, success",
    losses="loss, lost, most losses, failures, failure",
    useful="most useful, usefulness, utility, helpful, most helpful, score",
)
_OTHERS = {KINDS: _KINDS, OUTCOMES: _OUTCOMES, STATES: _STATES, SORTS: _SORTS}


def fold(text: str) -> str:
    """Give a word as it is looked up: no case, and one blank for "_", "-" and blanks.

    Example:
        >>> fold(" Anti-Pattern ")
        'anti pattern'
    """
    return _GAP.sub(" ", text.strip()).strip().casefold()


def meant(text: str, choices: tuple[str, ...]) -> str:
    """Give the choice that a word plainly stands for, else the word as it came."""
    word = fold(text)
    return word if word in choices else _OTHERS.get(choices, {}).get(word, text)
