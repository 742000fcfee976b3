"""General rules for the `decoys` generator: two wordings each, no word of any task in them."""

from __future__ import annotations

RULES: tuple[tuple[str, str], ...] = (
    (
        "Decide which of two places is the source, and derive the other from it.",
        "Never keep the same fact twice: one origin, everything else computed.",
    ),
    (
        "Change one thing only, then look again.",
        "Vary a single factor and hold the rest still.",
    ),
    (
        "Make the operation safe to repeat, so that doing it twice changes nothing.",
        "Whatever may happen again has to leave the same outcome as the first time.",
    ),
    (
        "Look at the very edge where one part hands over to the next.",
        "Inspect the boundary between two components: record what leaves and what enters.",
    ),
    (
        "State the assumption explicitly instead of letting anything guess it.",
        "Spell out what was implied; a default is a guess in disguise.",
    ),
    (
        "Set a limit in advance and refuse what goes beyond.",
        "Everything that can grow needs an upper bound from the start.",
    ),
    (
        "Compare a case that succeeds with one that does not and list the differences.",
        "Take a healthy specimen beside the sick one and look for what sets them apart.",
    ),
    (
        "Reduce it to the smallest example that still shows the effect.",
        "Cut away half, see whether it persists, and go on with that half.",
    ),
    (
        "Wait for a signal that something has happened, never for a length of time.",
        "Replace every pause by a notification of completion.",
    ),
    (
        "Keep the original untouched and work on what was derived from it.",
        "The raw input stays as it came; all treatment happens further down.",
    ),
    (
        "Let the slowest part decide the pace of all others.",
        "Push back on the sender once the receiver is full.",
    ),
    (
        "Ask who else holds the resource before taking it away.",
        "Find every holder first; release comes from them.",
    ),
    (
        "Check the reading instrument before believing what it says.",
        "Doubt the observation: a second, independent one has to confirm it.",
    ),
    (
        "Undo first, understand later.",
        "Restore normal conditions, then investigate at leisure.",
    ),
    (
        "Describe what is permitted rather than what is prohibited.",
        "List the acceptable cases; everything else is turned down.",
    ),
    (
        "Give every element a name that never changes and refer to it by that.",
        "Identity comes from a stable label, not from position or appearance.",
    ),
    (
        "Separate what changes often from what stays.",
        "Put the moving parts on one side and the constant ones on the other.",
    ),
    (
        "Let it fail early and loudly in place of carrying on half broken.",
        "An immediate stop with a clear message beats silent damage.",
    ),
)
