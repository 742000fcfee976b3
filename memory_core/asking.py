"""How much a sentence asks, and how much it says beyond asking.

Question marks of several scripts, the words with which people ask, and verbs with
which they tell an agent what to do. No model; a guess that costs microseconds.
"""

from __future__ import annotations

import re

WORDS = re.compile(r"[^\W\d_]{2,}")
WIDE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
"""Letters of scripts that set no blanks between words."""
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u203d\u061f\u0964])[\"')\]\u201d\u2019*_]{0,3}\s+"
    r"|(?<=[\u3002\uff01\uff1f\uff0e])\s*"
)
_QUESTION = re.compile(
    r"[?\u061f\u037e\u055e\u1367\u2e2e\uff1f\u2047-\u2049](?=[\s\"')\]\u201d*_?!.]|$)"
    r"|\u304b[\u3002\s]*$|[\u5417\u5462][\u3002\s]*$"
)
_ASKING = re.compile(
    r"(?i)\W{0,4}(?:(?:and|so|but|ok(?:ay)?|hi|hello|hey|also|now|then|thanks)\b\W{1,3}){0,3}"
    r"(?:how|why|what(?:'s)?|which of|where (?:is|are|do|does|can)|who (?:is|can)|is there"
    r"|are there"
    r"|(?:can|could|would|should|do|does|did) (?:i|you|we|it|this|that)\b|is it"
    r"|any (?:idea|way|chance)|(?:my )?(?:question|task|problem|goal|issue)\b|help|please|pls"
    r"|i (?:want|need|would like|am trying|have to|can(?:no|')t)|i'd like|i'm trying"
    r"|we (?:need|want)"
    r"|wie|warum|wieso|was|welche[rsn]?|wo|wann|kann|bitte|ich (?:will|m\u00f6chte|brauche)"
    r"|c[o\u00f3]mo|por ?qu[e\u00e9]|qu[e\u00e9]|cu[a\u00e1]l|d[o\u00f3]nde|necesito|quiero|\u00bf"
    r"|comment|pourquoi|quel(?:le)?s?|o\u00f9|je (?:veux|voudrais)|come|perch[e\u00e9]|dove|quale"
    r"|qual|onde|preciso|hoe|waarom|hvordan|hvorfor|hur|varf\u00f6r|jak|dlaczego|nas\u0131l|neden"
    r"|\u043a\u0430\u043a|\u043f\u043e\u0447\u0435\u043c\u0443|\u0447\u0442\u043e"
    r"|\u0433\u0434\u0435|\u043a\u0430\u043a\u043e\u0439)\b"
    r"|\W{0,4}(?:\u600e\u4e48|\u5982\u4f55|\u4e3a\u4ec0\u4e48|\u4e3a\u4f55|\u8bf7"
    r"|\u5e2e\u6211|\u54ea|\uc5b4\ub5bb\uac8c|\uc65c|\u0643\u064a\u0641"
    r"|\u0644\u0645\u0627\u0630\u0627)"
)
_IMPERATIVE = re.compile(
    r"(?i)\W{0,4}(?:(?:and|so|but|then|now|please|also|ok(?:ay)?)\b\W{1,3}){0,2}"
    r"(?:add|adjust|analy[sz]e|answer|build|calculate|change|check|clean|compute|configure|convert"
    r"|count|create|debug|delete|deploy|describe|design|diagnose|document|draft|explain|extract"
    r"|figure out|find|fix|format|generate|get|give|identify|implement|improve|install|investigate"
    r"|list|look|make|merge|migrate|move|optimi[sz]e|parse|port|print|produce|provide|read|refactor"
    r"|remove|rename|replace|resolve|restore|review|rewrite|run|set up|show|solve|sort|split"
    r"|summari[sz]e|support|tell|test|translate|troubleshoot|try|turn|update|upgrade|use|write)\b"
    r"(?! (?:the following )?(?:error|warning)s?:)"
)
PERSONAL = re.compile(
    r"(?i)\b(?:i|i'm|i've|my|me|we|our|us|you|your|mein|mich|ich|mi|yo|je|mon|ma)\b"
)
_BARE = frozenset(
    """
    a above an and answer any are as at be below but by can change changes code could debug
    diff do does error errors explain fail failed failing fails fix following for from get
    give going happening happens have hello help here hi how i idea ideas in is issue it its
    just log logs look make me my no not of off ok on or our output please problem question
    review see should so solve something stack summarize tell thank thanks that the them then
    there these this those to trace traceback us was we what when where which why with would
    wrong you your
    """.split()  # noqa: SIM905 - a list of words is read as one
)
"""Words of a bare request: "fix this error please"."""


def said_in(text: str) -> int:
    """How many words of a request are more than the bare request."""
    if WIDE.search(text):
        return len(WIDE.findall(text)) // 2
    return sum(word.lower() not in _BARE for word in WORDS.findall(text))


def asking(text: str) -> float:
    """How much a sentence or paragraph of prose asks, from its words alone."""
    score = 3.0 if _QUESTION.search(text) else 0.0
    if any(map(asks_by_words, sentences(text)[:8])):
        score += 2.0
    return score + (0.5 if PERSONAL.search(text) else 0.0)


def asks_by_words(sentence: str) -> bool:
    """Whether a sentence begins as a question or an order does."""
    return bool(_ASKING.match(sentence) or _IMPERATIVE.match(sentence))


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph."""
    return [part for part in map(str.strip, _SENTENCE_END.split(text)) if part]
