"""A question in another language finds a lesson by the names that both hold."""

from __future__ import annotations

import pytest

from tests.memory_core.service.conftest import Bench, OpenBench

LESSON = ("Retry parse_response on E4021", "The server sends E4021 while it restarts: wait, retry.")
OTHERS = (
    ("Pin the compiler", "Version 12 breaks the build of the extension."),
    ("Close the file first", "Windows refuses to rename a file that is open."),
    ("Round money with Decimal", "Floats drift in long sums."),
)
ASKED = (
    "Warum wirft parse_response manchmal einen Fehler?",
    "¿Por qué falla la llamada con E4021 después de reiniciar?",
    "Pourquoi parseResponse échoue-t-il au démarrage ?",
    "Что делать с ошибкой E4021 при запуске?",  # noqa: RUF001
    "parse_response が失敗するのはなぜですか",
    "የ E4021 ስህተት ምንድን ነው?",
)


@pytest.mark.parametrize("model", [True, False], ids=["model", "words"])
@pytest.mark.parametrize("asked", ASKED)
def test_a_name_in_a_question_of_another_language_finds_its_lesson(
    open_bench: OpenBench, asked: str, model: bool
) -> None:
    bench: Bench = open_bench(model=model)
    lesson = bench.remember(*LESSON).id
    for title, content in OTHERS:
        bench.remember(title, content)
    assert bench.ids(asked)[:1] == [lesson]
