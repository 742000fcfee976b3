"""How simulated tasks and lessons are worded. Held-out tasks use sentences that training never saw.

Nothing here says what is right: the same styles of advice and the same
conditions are tied to success and failure anew by every seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.learning.streams.simulator.vocabulary import HELD_OUT_SIGNS, Problem
from benchmarks.learning.streams.simulator.wordlists import Words, words

# -- how to go about it: the style of a piece of advice ----------------------------

STYLES: tuple[tuple[str, ...], ...] = (
    (
        "in small steps with a check after each",
        "bit by bit, looking at the result every time",
        "gradually, one piece at a time",
    ),
    (
        "after going back to the last state known to be good",
        "once everything is rolled back",
        "starting over from the previous good copy",
    ),
    (
        "with measurements before and after",
        "only after taking figures",
        "guided by numbers from a measurement",
    ),
    (
        "at once and for everything",
        "immediately, all in one go",
        "without delay and across the board",
    ),
    (
        "by a script that can be repeated",
        "in an automated, repeatable way",
        "as code that runs again unchanged",
    ),
    (
        "by hand, case by case",
        "manually, looking at each instance",
        "with your own eyes on every single one",
    ),
    (
        "in a separate copy first",
        "away from the real thing, in a sandbox",
        "on a clone that nobody uses",
    ),
    (
        "after asking whoever owns it",
        "with the agreement of the people responsible",
        "once its owner has approved",
    ),
    (
        "with the maker's own tool",
        "using what the vendor supplies for it",
        "through the official utility",
    ),
    (
        "overnight, while nobody is working",
        "outside business hours",
        "late in the evening when it is quiet",
    ),
    (
        "and write down why for the next time",
        "documenting each decision",
        "keeping a written record of it",
    ),
    (
        "with a second pair of eyes",
        "together with a colleague who checks",
        "under the four-eyes principle",
    ),
)

# -- conditions: families of values, each with ways to say it (the last two held out) --


@dataclass(frozen=True, slots=True)
class Condition:
    """One value of a family of conditions and the ways to say it."""

    family: str
    value: str
    said: tuple[str, ...]


_CONDITIONS: dict[str, Words] = {
    "system": words(
        "on Windows; with a Windows 11 machine; from PowerShell; under Microsoft's system; "
        "a C: drive is involved; the desktop runs Windows Server",
        "on Linux; on an Ubuntu host; under Debian; from a bash shell; "
        "the box runs Fedora; with systemd underneath",
        "on a Mac; under macOS; with a MacBook; on Apple's desktop system; "
        "from the Finder; the machine is an iMac",
        "on a mainframe; under z/OS; on the old AS/400; from a green terminal; "
        "with an IBM host behind it; in a batch partition",
    ),
    "size": words(
        "with a handful of entries; for a tiny amount; only ten records; a very small case; "
        "hardly any data; fewer than twenty pieces",
        "with some thousand entries; a medium amount; a few thousand records; an average size; "
        "neither small nor large; about five thousand pieces",
        "with millions of entries; a huge amount; hundreds of gigabytes; an enormous volume; "
        "far more than fits in memory; billions of records",
    ),
    "age": words(
        "in the oldest supported version; still on release 1; a legacy installation; "
        "ten years old; it was never upgraded; a version from the last decade",
        "in the current version; fully up to date; on the latest stable release; "
        "updated last week; the newest official version; with this month's release",
        "in a preview; on the nightly build; with a beta; an experimental version; "
        "a release candidate; an unreleased snapshot",
    ),
    "language": words(
        "with Turkish text; for users in Ankara; Turkish locale; everything is in Turkish; "
        "for an Istanbul office; with dotted and dotless letters",
        "with Japanese text; for users in Osaka; Japanese locale; everything is in Japanese; "
        "for a Tokyo office; with kanji and kana",
        "with Arabic text; for users in Cairo; right-to-left locale; everything is in Arabic; "
        "for a Dubai office; with script from right to left",
        "with German text; for users in Berlin; German locale; everything is in German; "
        "for a Vienna office; with umlauts all over",
    ),
    "users": words(
        "for one person; a single user; nobody else touches it; just me; "
        "only one account exists; used by its owner alone",
        "for a team of ten; a small group shares it; our department uses it; several colleagues; "
        "about a dozen people; everyone in the room works with it",
        "for the whole public; thousands of visitors at once; a crowd uses it; worldwide users; "
        "anybody on the internet; half the country logs in",
    ),
    "link": words(
        "without any network; fully offline; no connection at all; on an isolated machine; "
        "the cable is unplugged; behind an air gap",
        "over a slow satellite link; with high latency; on a weak mobile signal; "
        "through a crowded VPN; from a ship at sea; on a train with bad reception",
        "in the same data centre; on a fast local network; with fibre all the way; "
        "over ten-gigabit Ethernet; within one rack; next to the server",
    ),
    "rights": words(
        "with full administrator rights; as root; I may change everything; with the owner's key; "
        "nothing is forbidden to me; with superuser powers",
        "with read access only; I may not change anything; without write permission; "
        "as a guest; looking is all I can do; in a locked-down account",
        "on a machine the provider manages; as a hosted customer; only through their console; "
        "a managed service; the vendor operates it; support has to do it for us",
    ),
    "stakes": words(
        "in a drill; just for practice; on throw-away data; in a training course; "
        "nothing can be harmed; as an exercise",
        "in live operation; with real money; customers are waiting; in production; "
        "the business depends on it; while everything is running",
        "under audit; with regulators watching; in a hospital; where lives depend on it; "
        "every change must be signed; in a certified environment",
    ),
}
FAMILIES: dict[str, tuple[Condition, ...]] = {
    family: tuple(Condition(family, f"{family}-{place}", said) for place, said in enumerate(lists))
    for family, lists in _CONDITIONS.items()
}

# -- tasks -----------------------------------------------------------------------

TOLD = (
    "{thing} {sign}",
    "{when}, {thing} {sign}",
    "{who}: {thing} {sign}",
    "we have the case that {thing} {sign}",
    "{thing} {sign}, {when}",
    "{who} reports that {thing} {sign}",
    "again {thing} {sign}",
    "{when} it turned out that {thing} {sign}",
    "please look at this: {thing} {sign}",
    "it seems that {thing} {sign}",
    "{thing} of {who} {sign}",
    "there is a problem, {thing} {sign}",
)
TOLD_HELD_OUT = (
    "somebody noticed {when} that {thing} {sign}",
    "{who} cannot go on because {thing} {sign}",
    "ticket: {thing} {sign}",
    "I was called because {thing} {sign}",
    "not for the first time {thing} {sign}",
    "to my surprise {thing} {sign}, {when}",
)
ASKED = (
    "What should I do?",
    "How is this solved?",
    "Find a remedy.",
    "Repair it.",
    "What is the right way here?",
    "Fix this before it gets worse.",
    "Which step comes first?",
    "Tell me how to proceed.",
    "This must be gone for good.",
    "Get it working.",
    "",
    "",
)
ASKED_HELD_OUT = (
    "I need a plan.",
    "Where do I begin?",
    "Make it stop.",
    "What has helped in such cases?",
    "Any advice?",
    "",
)
WHO = (
    "the accounts department",
    "a client from the north",
    "our night shift",
    "the new office",
    "the sales team",
    "a partner firm",
    "the help desk",
    "the warehouse",
    "the school project",
    "a research group",
    "the city administration",
    "the clinic",
    "the editors",
    "the logistics centre",
    "a volunteer club",
    "the field engineers",
)
WHEN = (
    "since this morning",
    "after the move",
    "since the last holiday",
    "for two weeks",
    "after a power cut",
    "at the end of the month",
    "before an important date",
    "since the audit",
    "as of today",
    "each Monday",
    "after the reorganisation",
    "during the trade fair",
    "in the second quarter",
    "since a colleague left",
    "shortly after lunch",
    "on the last day of the year",
)

# -- lessons ---------------------------------------------------------------------

TEMPTING = (
    "When {thing} {sign}, {remedy} {style}.",
    "{thing} {sign}? {remedy} {style}.",
    "We have the case that {thing} {sign}: {remedy}, {style}.",
    "The remedy where {thing} {sign} is to {remedy}, {style}.",
)
PLAIN = (
    "With {thing} in this state, {remedy} {style}.",
    "For trouble around {thing}: {remedy}, {style}.",
    "{remedy} {style}. This concerns {thing} and the like.",
    "In {domain}, and for {thing} above all, {remedy} {style}.",
)
NEUTRAL = (
    "Background on {thing}: it is known that it {sign} now and then. Some {remedy}.",
    "Note about {thing} in {domain}. Cases where it {sign} are collected; one may {remedy}.",
    "{thing} {sign}: see the general notes on {domain}.",
)
AGAIN = (
    "Go about it {style}.",
    "That is best done {style}.",
    "In other words: {style}.",
    "Work {style}.",
)


def chosen(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    """One of the options."""
    return options[int(rng.integers(len(options)))]


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def told(rng: np.random.Generator, problem: Problem, said: str, *, held_out: bool) -> str:
    """One wording of a task. `said` is how its condition is put, "" for none."""
    signs = problem.signs
    known = len(signs) - HELD_OUT_SIGNS
    sign = chosen(rng, signs[known:] if held_out and rng.random() < 0.5 else signs[:known])
    frame = chosen(rng, TOLD_HELD_OUT if held_out else TOLD)
    body = frame.format(
        thing=chosen(rng, problem.things), sign=sign, who=chosen(rng, WHO), when=chosen(rng, WHEN)
    )
    detail = f"{sentence(said)}." if said else ""
    asked = chosen(rng, ASKED_HELD_OUT if held_out else ASKED)
    parts = [f"{sentence(body)}.", detail] if rng.random() < 0.6 else [detail, f"{sentence(body)}."]
    return " ".join(part for part in (*parts, asked) if part)
