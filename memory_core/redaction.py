"""Secrets out of text before anything is written.

Each secret becomes a marker such as `[redacted:github-token]`. Known token forms
are found wherever they stand; other values only where their name says what they
are (`password=`, `--token`, a credential in a URL), so that tracebacks, commit
ids, UUIDs and digests stay whole. Every pattern is bounded and cannot start
again inside its own match: the cost is linear in the text.

A library was tried first (docs/decisions.md): detect-secrets 1.5.0 judges files
line by line, gives parts of tokens ("ghp") as the secret, needs process-wide
settings and 0.7 s for 78 kB. This module knows no storage.

A value that stands under a secret's name may be just code or prose: `password=hunter2` is a
secret; `password=get_password(user)`, `token: str` and `"password": "required"` are not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

# -- whether a value is a secret

Strength = Literal["strong", "weak", "broad"]


@dataclass(frozen=True, slots=True)
class Named:
    """A value and what its surroundings say of it.

    `strength` is how far its name speaks for a secret: "strong" (a password),
    "weak" (token, secret, api key), "broad" (key, auth, session). `quoted`: a
    literal; `tight`: joined without spaces; `after`: the character that follows.
    """

    strength: str
    value: str
    quoted: bool = False
    tight: bool = False
    after: str = ""


_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*(?:(?:\.|->|::)[A-Za-z_$][A-Za-z0-9_$]*)*\Z")
_PLACEHOLDER = re.compile(
    r"\[redacted:|<.*>\Z|\$[{(A-Za-z_]|\{.*\}\Z|%[sd(]|\*{3}|\.{3}|[xX*.#-]+\Z|(?i:your[-_ ]|"
    r"example|none\Z|null\Z|nil\Z|undefined\Z|true\Z|false\Z|str(?:ing)?\Z|text\Z|bytes\Z|int(?:eger)?\Z|"
    r"required\Z|optional\Z|missing\Z|invalid\Z|hidden\Z|password\Z|passwd\Z|secret\Z|token\Z)"
)
_HEX = re.compile(r"[0-9a-fA-F-]+\Z")
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~:-]+\Z")
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?[/\\~]")
_PATH = re.compile(r"(?:[A-Za-z]:)?[./\\~]|.*[\w.-]+/[\w.-]+/.*\.\w{1,5}\Z")


def entropy(text: str) -> float:
    """Give Shannon's entropy in bits per character, 0 for the empty text.

    Example:
        >>> entropy("aaaa"), entropy("abcd")
        (0.0, 2.0)
    """
    size = len(text)
    return sum(count / size * math.log2(size / count) for count in Counter(text).values())


def _mixed(value: str) -> bool:
    return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _three_cases(value: str) -> bool:
    return _mixed(value) and any(c.islower() for c in value) and any(c.isupper() for c in value)


def _is_code(named: Named) -> bool:
    """Say whether an unquoted value reads as an expression: a call, an index, a variable."""
    if named.after in ("(", "[") or _ABSOLUTE.match(named.value):
        return True
    variable = _IDENTIFIER.match(named.value) is not None
    if not variable:
        return False
    if not _mixed(named.value):
        return not named.tight or named.after != ""
    return "." in named.value or ("_" in named.value and named.value.islower())


def _strong(named: Named) -> bool:
    value = named.value
    if any(c.isspace() for c in value):
        return False
    if named.quoted:
        return True
    return named.tight or _mixed(value) or not value.isalnum()


def _weak(named: Named) -> bool:
    value = named.value
    if len(value) < 8 or not _TOKEN.match(value) or _PATH.match(value):
        return False
    if named.quoted and named.value.isalpha():
        return len(value) >= 20 and entropy(value) >= 3.5
    least = 2.5 if named.quoted else 3.0
    return _mixed(value) and entropy(value) >= least and (named.quoted or len(value) >= 12)


def _broad(named: Named) -> bool:
    value = named.value
    if len(value) < 20 or not _TOKEN.match(value) or _PATH.match(value) or _HEX.match(value):
        return False
    return _three_cases(value) and entropy(value) >= 3.8


_TESTS = {"strong": _strong, "weak": _weak, "broad": _broad}


def is_secret_value(named: Named) -> bool:
    """Say whether the value is to be redacted.

    Example:
        >>> is_secret_value(Named("strong", "hunter2", tight=True))
        True
        >>> is_secret_value(Named("strong", "get_password", after="("))
        False
    """
    if _PLACEHOLDER.match(named.value) or (not named.quoted and _is_code(named)):
        return False
    return _TESTS[named.strength](named)


# -- finding and replacing

_MARKER = "[redacted:{}]"


@dataclass(frozen=True, slots=True)
class _Form:
    """A token known by its look. Without one of the lower-case `hints` it cannot occur."""

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _form(name: str, hints: str, pattern: str) -> _Form:
    return _Form(name, tuple(hints.split()), re.compile(rf"(?<![A-Za-z0-9_-])(?:{pattern})"))


_FORMS: tuple[_Form, ...] = (
    _form("aws-key", "akia asia abia acca", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _form(
        "github-token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}",
    ),
    _form("gitlab-token", "glpat-", r"glpat-[A-Za-z0-9_.-]{20,255}"),
    _form(
        "slack-token",
        "xox xapp- hooks.slack.com",
        r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}|xapp-[A-Za-z0-9-]{10,255}",
    ),
    _form(
        "google-key",
        "aiza gocspx- ya29.",
        r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,64}|ya29\.[A-Za-z0-9_-]{20,1024}",
    ),
    _form("anthropic-key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{20,255}"),
    _form(
        "openai-key",
        "sk-",
        r"sk-(?:proj-|svcacct-|admin-|or-v1-)?(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{20,255}",
    ),
    _form(
        "stripe-key",
        "_live_ _test_ whsec_",
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/=]{20,255}",
    ),
    _form("npm-token", "npm_", r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _form("pypi-token", "pypi-age", r"pypi-AgE[A-Za-z0-9_-]{50,512}"),
    _form("huggingface-token", "hf_", r"hf_[A-Za-z0-9]{30,64}(?![A-Za-z0-9_])"),
    _form("sendgrid-key", "sg.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    _form("telegram-token", ":aa", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    _form("age-key", "age-secret-key-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,64}"),
    _form(
        "vendor-token",
        "dop_v1_ doo_v1_ dor_v1_ hvs. dapi dckr_pat_ shpat_ shpca_ shppa_ shpss_ "
        "lin_api_ pmak- gsk_ xai- pplx- r8_ sq0 ",
        r"do[opr]_v1_[a-f0-9]{64}|hvs\.[A-Za-z0-9_-]{24,255}|dapi[a-f0-9]{32}(?![a-z0-9])"
        r"|dckr_pat_[A-Za-z0-9_-]{20,64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"
        r"|lin_api_[A-Za-z0-9]{32,64}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|gsk_[A-Za-z0-9]{40,64}"
        r"|xai-[A-Za-z0-9]{60,100}|pplx-[A-Za-z0-9]{40,64}|r8_[A-Za-z0-9]{37}(?![A-Za-z0-9])"
        r"|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,64}",
    ),
    _form(
        "jwt",
        "eyj",
        r"eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{4,8192}\.[A-Za-z0-9_-]{10,4096}"
        r"(?:\.[A-Za-z0-9_-]{1,8192}){0,2}",
    ),
)
"""Vendor forms first: a value that a form names is not named again by its surroundings."""

_SLACK_HOOK = re.compile(r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/+-]{20,255}")

# -- values that their surroundings name -------------------------------------------

_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"(?:[A-Za-z0-9+/=:,.\s\\-]|\\[nr]){0,20000}")

_HEADER = re.compile(
    r"(?i)\b(?:authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:bearer|basic|token|digest|apikey)"
    r"|bearer)"
    r"\s{1,4}(?P<value>[A-Za-z0-9._~+/=-]{8,4096})"
)
_COOKIE = re.compile(
    r"(?i)(?<![\w-])(?:set-)?cookie[\"']?\s{0,4}:\s{0,4}[\"']?"
    r"(?P<value>[\w.%-]{1,64}=[^\s\"';]{8,4096}(?:;\s?[\w.%-]{1,64}=[^\s\"';]{1,4096}){0,50})"
)
_URL = re.compile(
    r"(?i)(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,30}://"
    r"(?:[^\s:/@'\"<>]{0,256}:(?P<password>[^\s/'\"<>]{1,256})|(?P<value>[A-Za-z0-9_-]{20,256}))"
    r"@(?=\w|\[)"
)
_NAME = (
    r"(?P<strong>passw(?:or)?d|passphrase|pwd|mysql_pwd|pgpassword)"
    r"|(?P<weak>secret[_-]?(?:access[_-]?)?key|secret|token|credentials?"
    r"|(?:api|access|private|account|auth|signing|encryption)[_-]?key)"
    r"|(?P<broad>key|auth|salt|session(?:_?id)?|sig(?:nature)?|webhook)"
)
_SUFFIX = (
    r"(?:[_-]?(?:key|value|base|base64|b64|prod|dev|test|staging|id|[0-9]{1,2})){0,2}"
    r"(?P<more>(?:[_-][a-z0-9]{1,16}){0,2})"
)
"""`more` (`SECRET_OF_SHOP`, `token_count`) leaves open what the value is: judged as "broad"."""
_ASSIGNED = re.compile(
    rf"(?i)(?:{_NAME}){_SUFFIX}[\"'`\]]{{0,2}}"
    r"(?P<join>\s{0,4}(?::=|=>|={1,3}|:)\s{0,4}|(?<=[a-z])\s{1,2}(?=\S))"
    r"(?:[brfu]{0,2}\"(?P<double>[^\"\r\n]{4,1024})\"|[brfu]{0,2}'(?P<single>[^'\r\n]{4,1024})'"
    r"|(?P<bare>[^\s\"'`,;&|<>(){}\[\]]{4,1024})(?P<after>[(\[.)},]?))"
)


def _marker(name: str) -> str:
    return _MARKER.format(name)


def _swap(match: re.Match[str], group: str, name: str) -> str:
    """Give the whole match with one group's text replaced by the marker."""
    whole, start = match.group(), match.start()
    begin, end = match.span(group)
    return whole[: begin - start] + _marker(name) + whole[end - start :]


def _private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Give the spans of key blocks; one that is cut off ends where its base64 does."""
    reached, no_end_from = 0, len(text) + 1
    for begin in _KEY_BEGIN.finditer(text):
        if begin.start() < reached:
            continue
        end = _KEY_END.search(text, begin.end()) if begin.end() < no_end_from else None
        if end is None:
            no_end_from = min(no_end_from, begin.end())
        if end is not None and end.start() - begin.end() <= 20_000:
            reached = end.end()
        else:
            body = _KEY_BODY.match(text, begin.end())
            reached = body.end() if body else begin.end()
        yield begin.start(), reached


def _without_private_keys(text: str) -> str:
    pieces, last = [], 0
    for begin, end in _private_keys(text):
        pieces += [text[last:begin], _marker("private-key")]
        last = end
    return "".join([*pieces, text[last:]]) if pieces else text


def _on_header(match: re.Match[str]) -> str:
    value = match["value"]
    explicit = match.group().lower().startswith("authorization")
    if explicit or (len(value) >= 16 and re.search(r"[0-9]", value)):
        return _swap(match, "value", "authorization")
    return match.group()


def _on_url(match: re.Match[str]) -> str:
    if match["value"] is not None:
        return _swap(match, "value", "url-credential")
    if is_secret_value(Named("strong", match["password"], quoted=True)):
        return _swap(match, "password", "url-credential")
    return match.group()


_KINDS = {"strong": "password", "weak": "secret", "broad": "high-entropy"}


def _on_assigned(match: re.Match[str]) -> str:
    kind = next(kind for kind in ("strong", "weak", "broad") if match[kind] is not None)
    strength = "broad" if match["more"] else kind
    group = next(name for name in ("double", "single", "bare") if match[name] is not None)
    join = match["join"]
    flag = not join.strip()
    compared = "==" in join and group == "bare"
    if compared or (flag and not _is_flag(match)):
        return match.group()
    named = Named(
        strength,
        match[group],
        quoted=group != "bare",
        tight=join in ("=", ":=") or flag,
        after=match["after"] or "",
    )
    return _swap(match, group, _KINDS[strength]) if is_secret_value(named) else match.group()


def _is_flag(match: re.Match[str]) -> bool:
    """Say whether the name is a long option (`--token abc`): else a space joins only prose."""
    line = match.string[max(0, match.start() - 40) : match.start()]
    return re.search(r"(?:^|\s)--[a-z0-9-]{0,30}$", line, re.IGNORECASE) is not None


_CONTEXTS: tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (("authorization", "bearer"), _HEADER, _on_header),
    (("cookie",), _COOKIE, lambda match: _swap(match, "value", "cookie")),
    (("://",), _URL, _on_url),
    (
        ("pass", "pwd", "secret", "token", "key", "cred", "auth", "salt", "sess", "sig", "hook"),
        _ASSIGNED,
        _on_assigned,
    ),
)


_PASSES = 8
"""A replaced value can uncover another name and its value (`password=token=...`)."""


def redact(text: str) -> tuple[str, tuple[str, ...]]:
    """Give `text` with its secrets replaced by markers, and the names of what was found.

    Redacting twice changes nothing more. Names come in order of the alphabet,
    each once; a text without secrets comes back as the same object.

    Example:
        >>> redact("mysql --password=hunter2 shop")
        ('mysql --password=[redacted:password] shop', ('password',))
    """
    clean = _without_private_keys(text) if "private key" in text.lower() else text
    for _ in range(_PASSES):  # a marker ends what hid the token or the value behind it
        before = clean
        for pattern, put in _hinted(clean.lower()):
            clean = pattern.sub(put, clean)
        if clean == before:
            break
    return (text, ()) if clean == text else (clean, _found(text, clean))


def _hinted(lower: str) -> list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]:
    """What may be found in a text, given in small letters; a marker's own words count, too."""
    active: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
        (form.pattern, _marker(form.name))
        for form in _FORMS
        if any(hint in lower for hint in form.hints)
    ]
    if "hooks.slack.com" in lower:
        active.append((_SLACK_HOOK, _marker("slack-token")))
    return active + [
        (pattern, on_match)
        for hints, pattern, on_match in _CONTEXTS
        if any(hint in lower for hint in hints)
    ]


_ANY_MARKER = re.compile(r"\[redacted:([a-z0-9-]{1,40})\]")


def _found(before: str, after: str) -> tuple[str, ...]:
    """Names of the markers that redaction added (a text may have held some already)."""
    old, new = _ANY_MARKER.findall(before), _ANY_MARKER.findall(after)
    return tuple(sorted(name for name in set(new) if new.count(name) > old.count(name)))
