"""The words that callers use for ours, and for "nothing".

Only where the meaning is plain; every other word is left to the request, whose
sentence lists the words that it takes.
"""

from __future__ import annotations

import re
import unicodedata

from memory_core.model import KINDS, OUTCOMES, STATES
from memory_core.spelling import spelled

SORTS = ("recent", "wins", "losses", "useful")
NOTHING = frozenset(
    {"", "null", "none", "undefined", "nil", "nan", "n/a", "{}", "[]", "not given", "not provided"}
    | {"not specified", "unspecified", "not applicable", "no value", "not set", "unset"}
)
"""How hosts and models write "absent" where they must write something."""
_NO_ERROR = re.compile(
    r"(?:no|without(?: any)?|zero) (?:errors?|exceptions?|failures?|issues?|problems?|output|logs?)"
    r"(?: (?:occurred|encountered|found|reported|raised|thrown|observed|seen|available|given))?"
)
"""What strict schemas make a model write where it has no error to tell and no log."""
_DOTS = re.compile(r"[\s.\u2026\u00b7_\u2013\u2014-]+")
"""What is written where there is nothing to write."""
MOST_OF_NOTHING = 40
"""Characters of the longest way to say nothing."""
EVERYTHING = frozenset({"all", "any", "every", "everything", "*"})
"""A filter that filters nothing."""
LESSONS = frozenset({"lesson", "lessons"})
"""As a filter, strategies and pitfalls."""

_GAP = re.compile(r"[\s_-]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_AROUND = " \t\r\n\"'`<>()"


def _words(**meant: str) -> dict[str, str]:
    return {word.strip(): name for name, words in meant.items() for word in words.split(",")}


_KINDS = _words(
    strategy=(
        "strategies, lesson, lessons, tip, tips, best practice, best practices, how to, howto, "
        "procedure, workflow, pattern, technique, approach, solution, rule, rules, guideline, "
        "guidelines, insight, insights, skill, skills, recipe, heuristic, do"
    ),
    pitfall=(
        "pitfalls, anti pattern, anti patterns, antipattern, mistake, mistakes, warning, "
        "warnings, gotcha, gotchas, trap, traps, caveat, caveats, failure, failures, error, "
        "errors, bug, bugs, hazard, risk, dont, don't, do not, avoid"
    ),
    fact="facts, knowledge, information, info, observation, note, reference",
)
_OUTCOMES = _words(
    success=(
        "succeeded, successful, successfully, ok, okay, true, yes, pass, passed, passing, "
        "complete, completed, done, finished, solved, resolved, fixed, worked, works, won, "
        "succeed, y, correct, accepted, positive, win"
    ),
    partial=(
        "partially, partly, partial success, partially successful, partially completed, "
        "partially done, partially solved, mixed, incomplete, in progress, mostly, "
        "partial failure, partially failed, half done, unfinished, not finished"
    ),
    failure=(
        "failed, fail, fails, failing, false, no, error, errored, exception, crash, crashed, "
        "timeout, timed out, unsuccessful, unsolved, not solved, unresolved, gave up, "
        "abandoned, aborted, broken, rejected, blocked, lost, n, not ok, not working, incorrect, "
        "wrong, negative, loss, not successful, not completed, not done, not fixed, not resolved"
    ),
    unknown=(
        "skip, skipped, cancelled, canceled, pending, unclear, undetermined, inconclusive, "
        "unverified, not verified, untested, not tested, not sure, unsure, n/a, none, null, "
        "not applicable, not given, not provided, not specified, unspecified"
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
    """Give a word as it is looked up: no case, width or quotation marks, one blank for "_" and "-".

    Example:
        >>> fold(" Anti-Pattern "), fold("`timedOut`.")
        ('anti pattern', 'timed out')
    """
    if not text.isascii():
        text = spelled(unicodedata.normalize("NFKC", text))
    bare = text.strip(_AROUND).removesuffix(".").strip(_AROUND)
    return _GAP.sub(" ", _HUMP.sub(" ", bare)).strip().casefold()


def says_nothing(text: str) -> bool:
    """Whether a text stands for no text at all; the empty one does not say it.

    Example:
        >>> says_nothing("N/A"), says_nothing("No errors occurred."), says_nothing("no error code")
        (True, True, False)
        >>> says_nothing("..."), says_nothing("?!")
        (True, False)
    """
    if not 0 < len(text) <= MOST_OF_NOTHING:
        return False
    word = fold(text)
    return (
        word in NOTHING
        or _DOTS.fullmatch(text.strip()) is not None
        or _NO_ERROR.fullmatch(word) is not None
    )


def meant(text: str, choices: tuple[str, ...]) -> str:
    """Give the choice that a word plainly stands for, else the word as it came."""
    word = fold(text)
    for one in (word, word.rpartition(".")[2], word.replace(" ", "")):  # "Outcome.SUCCESS"
        found = one if one in choices else _OTHERS.get(choices, {}).get(one)
        if found:
            return found
    return text
