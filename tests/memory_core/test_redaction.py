"""Secrets never reach the store; code, tracebacks and digests stay whole."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memory_core.redaction import Named, entropy, is_secret_value, redact

# Built from parts, so that no scanner takes this file for a leak.
_RANDOM = random.Random(7)
_UPPER = string.ascii_uppercase + "234567"
_WORD = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


def drawn(alphabet: str, size: int) -> str:
    """A random-looking text that has a digit, and is the same in every run."""
    return "".join(_RANDOM.choice(alphabet) for _ in range(size - 2)) + "7a"[:2]


FORMS = {
    "aws-key": ["AK" + "IA" + drawn(_UPPER, 18)[:16], "AS" + "IA" + drawn(_UPPER, 18)[:16]],
    "github-token": ["gh" + "p_" + drawn(_WORD, 36), "github_" + "pat_" + drawn(_WORD, 60)],
    "gitlab-token": ["gl" + "pat-" + drawn(_WORD, 20)],
    "slack-token": ["xo" + "xb-" + "123456789012-" + drawn(_WORD, 24)],
    "google-key": ["AI" + "za" + drawn(_WORD, 35), "ya" + "29." + drawn(_WORD, 60)],
    "anthropic-key": ["sk-" + "ant-api03-" + drawn(_WORD, 90)],
    "openai-key": ["sk-" + drawn(_WORD, 48), "sk-" + "proj-" + drawn(_WORD, 80)],
    "stripe-key": ["sk_" + "live_" + drawn(_WORD, 24), "rk_" + "test_" + drawn(_WORD, 24)],
    "npm-token": ["np" + "m_" + drawn(_WORD, 36)],
    "pypi-token": ["py" + "pi-AgE" + drawn(_WORD, 80)],
    "huggingface-token": ["h" + "f_" + drawn(_WORD, 34)],
    "sendgrid-key": ["S" + "G." + drawn(_WORD, 22) + "." + drawn(_WORD, 43)],
    "telegram-token": ["123456789" + ":AA" + drawn(_WORD, 33)],
    "vendor-token": ["dop" + "_v1_" + drawn(_HEX, 64), "hv" + "s." + drawn(_WORD, 30)],
    "jwt": [
        "ey" + "J" + drawn(_WORD, 20) + ".ey" + "J" + drawn(_WORD, 60) + "." + drawn(_WORD, 43)
    ],
}
EACH_FORM = [(name, value) for name, values in FORMS.items() for value in values]
FRAMES = [
    "{}",
    "export X={}",
    'x = "{}"',
    "-H 'X: {}' --fast",
    "line before\n  {}\nline after",
    "({})",
]
BLOCK = "-----{} RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("name", "value"), EACH_FORM, ids=[f"{n}-{name}" for n, (name, _) in enumerate(EACH_FORM)]
)
@pytest.mark.parametrize("frame", FRAMES)
def test_a_known_token_is_found_wherever_it_stands(name: str, value: str, frame: str) -> None:
    text, found = redact(frame.format(value))
    assert value not in text
    assert text == frame.format(f"[redacted:{name}]")
    assert found == (name,)


NAMED = [
    ("password", "password=hunter2", "password=[redacted:password]"),
    ("password", "DB_PASSWORD: 's3cr3t!x'", "DB_PASSWORD: '[redacted:password]'"),
    ("password", "{'password': 'correct.horse'}", "{'password': '[redacted:password]'}"),
    (
        "password",
        "mysql -u root --password=letmein db",
        "mysql -u root --password=[redacted:password] db",
    ),
    ("password", "pg --passwd hunter22 db", "pg --passwd [redacted:password] db"),
    (
        "password",
        'connect(user="a", password="abcd")',
        'connect(user="a", password="[redacted:password]")',
    ),
    ("password", "PGPASSWORD=abcd psql", "PGPASSWORD=[redacted:password] psql"),
    ("secret", "api_key: abcd1234efgh5678", "api_key: [redacted:secret]"),
    ("secret", '"client_secret":"Abc123def456"', '"client_secret":"[redacted:secret]"'),
    ("secret", "X-Api-Key: abcd1234efgh5678'", "X-Api-Key: [redacted:secret]'"),
    (
        "secret",
        "aws_secret_access_key = " + drawn(_WORD, 40),
        "aws_secret_access_key = [redacted:secret]",
    ),
    (
        "secret",
        "AccountKey=" + drawn(_WORD, 86) + "==;Suffix=x",
        "AccountKey=[redacted:secret];Suffix=x",
    ),
    ("secret", "tool --token abcdefgh1234567", "tool --token [redacted:secret]"),
    ("secret", "apiKey='123e4567-e89b-12d3-a456-426614174000'", "apiKey='[redacted:secret]'"),
    (
        "high-entropy",
        "SECRET_OF_SHOP=Zk9x2LmQ8vB4nR7tYp0s",
        "SECRET_OF_SHOP=[redacted:high-entropy]",
    ),
    ("high-entropy", "COOKIE_SALT='Zk9x2LmQ8vB4nR7tYp0s'", "COOKIE_SALT='[redacted:high-entropy]'"),
    (
        "authorization",
        "Authorization: Bearer abcdef1234567890",
        "Authorization: Bearer [redacted:authorization]",
    ),
    (
        "authorization",
        "authorization: basic dXNlcjpwYXNz",
        "authorization: basic [redacted:authorization]",
    ),
    ("cookie", "Cookie: sessionid=abcdef123456; b=1", "Cookie: [redacted:cookie]"),
    (
        "url-credential",
        "postgres://u:p4ss@db:5432/x",
        "postgres://u:[redacted:url-credential]@db:5432/x",
    ),
    ("url-credential", "https://u:p@ss!@host/x", "https://u:[redacted:url-credential]@host/x"),
    ("url-credential", "redis://:pw@[::1]:6379", "redis://:[redacted:url-credential]@[::1]:6379"),
]


@pytest.mark.parametrize(("name", "given_text", "expected"), NAMED)
def test_a_value_that_its_surroundings_call_a_secret_is_replaced(
    name: str, given_text: str, expected: str
) -> None:
    assert redact(given_text) == (expected, (name,))


def test_a_private_key_block_goes_as_a_whole() -> None:
    body = "\n".join(drawn(_WORD, 64) for _ in range(20))
    key = f"{BLOCK.format('BEGIN')}\n{body}\n{BLOCK.format('END')}"
    assert redact(f"before\n{key}\nafter") == (
        "before\n[redacted:private-key]\nafter",
        ("private-key",),
    )


def test_a_private_key_that_is_cut_off_goes_to_its_end() -> None:
    body = "\n".join(drawn(_WORD, 64) for _ in range(3))
    text, found = redact(f"x {BLOCK.format('BEGIN')}\n{body}")
    assert text == "x [redacted:private-key]"
    assert found == ("private-key",)


def test_a_slack_hook_keeps_its_host_only() -> None:
    hook = "https://hooks.slack.com/" + "services/T0000/B0000/" + drawn(_WORD, 24)
    assert redact(hook) == ("https://hooks.slack.com/[redacted:slack-token]", ("slack-token",))


def test_several_secrets_are_all_found_and_named_once() -> None:
    first, second = FORMS["github-token"][0], FORMS["aws-key"][0]
    text, found = redact(f"{first} {second} {first} password=hunter2")
    assert found == ("aws-key", "github-token", "password")
    assert text.count("[redacted:github-token]") == 2


TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/auth/tokens.py", line 31, in token_for
    token = self.tokens[key]
KeyError: 'session_token'
During handling of the above exception, another exception occurred:
  File "/srv/app/views.py", line 12, in login
    raise InvalidToken(f"token {token!r} for key {key}") from None
app.errors.InvalidToken: token None for key user:42"""

HARMLESS = [
    TRACEBACK,
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "id = '123e4567-e89b-12d3-a456-426614174000'",
    "sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    '"integrity": "sha512-bRISgCIjP20/tbWSPWMEi54QVPRZExkuD9lJL+UIxUKtwVJA8wW1Trb1jMs1RFXo=="',
    "cache_key=9fceb02d0ae598e95dc970b74767f19372d61af8",
    "password = get_password(user)",
    "password = self.config.password",
    "f(password=password, token=token)",
    "connect(password=pw, user=u)",
    "def login(user: str, password: str, token: str = None) -> None:",
    "api_key=os.environ['X']",
    "secret = secrets.token_hex(16)",
    "password: str",
    '"password": "required"',
    "password: must have 8 characters",
    "password=${DB_PASSWORD}",
    "password=<your password>",
    "password_file=/run/secrets/db",
    "PWD=/srv/app",
    '"max_tokens": 1200, "token_count": 12345678',
    "token = tokens[0]",
    "if token == 'abc' and token == expected_token_1:",
    "Unexpected token < in JSON at position 0",
    "JSONDecodeError: Unexpected token: '}'",
    "sorted(rows, key=lambda row: row.score, reverse=True)",
    "sorted(x, key=itemgetter(1))",
    "key='uploads/2024/picture.png'",
    "primary_key=True",
    "auth = HTTPBasicAuth(user, pw)",
    "signature = inspect.signature(function)",
    "session = requests.Session()",
    "bearer authentication is required",
    "git clone https://github.com/owner/repository.git",
    "ssh://git@github.com/owner/repository",
    "http://localhost:8080/path@2",
    "class='sk-loading-spinner-container-large'",
    "token_type=bearer",
    "the password is asked for twice",
    "use --password to be asked for it",
    "Cookie: the page sets none",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == (text, ())


def test_a_text_without_secrets_is_given_back_as_it_is() -> None:
    assert redact(TRACEBACK)[0] is TRACEBACK


def test_a_marker_that_a_text_already_holds_is_not_a_finding() -> None:
    text = "password=[redacted:password] and [redacted:aws-key]"
    assert redact(text) == (text, ())


PIECES = st.sampled_from(
    [value for values in FORMS.values() for value in values]
    + [text for _, text, _ in NAMED]
    + [
        "password=",
        "token: ",
        '"',
        "'",
        " ",
        "\n",
        "://",
        "@",
        "--",
        "=",
        "eyJ",
        "sk-",
        "[",
        "a1B2c3D4e5",
    ]
)


@given(st.lists(PIECES | st.text(max_size=12), max_size=12).map("".join))
@example("password=password=hunter2")
@example('token="password=hunter2"')
@example(f"dop_v1_{'8d' * 32}AKIAUJZDEGXDNCF32EPF")
@example("ghp_gLKOmxgJTeKdNnFRIBXuDL7DxtpYlSXpfK7a123456789:AAQ0PBQFI14zGtSnovm14TUOizwd1iaeO7a")
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once, _ = redact(text)
    assert redact(once) == (once, ())


@given(st.text(max_size=60), st.sampled_from(EACH_FORM), st.text(max_size=60))
def test_a_token_between_blanks_never_survives(
    before: str, form: tuple[str, str], after: str
) -> None:
    assert form[1] not in redact(f"{before} {form[1]} {after}")[0]


ADVERSARIAL = [
    "a" * 1_000_000,
    "password=" * 110_000,
    "password=a" * 100_000,
    "eyJ-" * 250_000,
    "eyJ" + "a" * 1_000_000,
    (BLOCK.format("BEGIN") + "\n") * 30_000,
    "a://" * 250_000,
    "a:b@" * 250_000,
    "key:" + " " * 1_000_000,
    "cookie: a=bbbbbbbb; " * 50_000,
    "--token " * 125_000,
    "secret_key_base_" * 60_000,
    "sk-a" * 250_000,
    "password='" + "x" * 1_000_000,
]


@pytest.mark.parametrize("text", ADVERSARIAL, ids=range(len(ADVERSARIAL)))
def test_a_megabyte_made_to_be_slow_is_read_to_its_end(text: str) -> None:
    # A pattern of quadratic cost needs hours here, and the suite's limit ends it.
    assert redact(text)[0]


def test_entropy_tells_random_text_from_words() -> None:
    assert entropy("") == 0.0
    assert entropy(drawn(_WORD, 40)) > entropy("aaaaaaaaaabbbbbbbbbb") == 1.0


@pytest.mark.parametrize("value", ["", "abc", "aaaaaaaaaaaaaaaaaaaaaa", "1234567890123456789012"])
def test_a_value_without_variety_is_no_broad_secret(value: str) -> None:
    assert not is_secret_value(Named("broad", value, quoted=True))
