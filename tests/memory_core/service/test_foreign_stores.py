# ruff: noqa: RUF001
"""Stores in other languages than the model's: silent to strangers, answering whose words they hold.

With the packaged model, which reads English and puts all texts of any other language near to
each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_core.background import axes, languages, measured_axes
from memory_core.embedder import SentenceEmbedder
from tests.memory_core.service.conftest import Bench

STORES = {
    "Greek": (
        ("Η βάση δεδομένων είναι κλειδωμένη κατά την εισαγωγή", "Κλείστε πρώτα τη σύνδεση."),
        ("Το κοντέινερ μένει από μνήμη", "Περιορίστε τον σωρό της διεργασίας."),
        ("Χαλασμένοι χαρακτήρες στην εξαγωγή CSV", "Γράψτε το αρχείο με σήμα σειράς byte."),
    ),
    "Russian": (
        ("База данных заблокирована при импорте", "Закрывать соединение перед следующей."),
        ("Контейнеру не хватает памяти", "Ограничить кучу процесса."),
        ("Испорченные символы в выгрузке CSV", "Записывать файл с меткой порядка байтов."),
    ),
    "Ukrainian": (
        ("База даних заблокована під час імпорту", "Закривати з'єднання перед наступною."),
        ("Контейнеру бракує пам'яті", "Обмежити купу процесу."),
        ("Зіпсовані символи у вивантаженні CSV", "Записувати файл із міткою порядку байтів."),
    ),
    "Turkish": (
        ("İçe aktarma sırasında veritabanı kilitli", "Önce bağlantıyı kapatın."),
        ("Kapsayıcının belleği yetmiyor", "Sürecin yığınını sınırlayın."),
        ("CSV dışa aktarımında bozuk karakterler", "Dosyayı bayt sırası işaretiyle yazın."),
    ),
    "French": (
        ("Base de données verrouillée pendant l'import", "Fermer d'abord la connexion."),
        ("Le conteneur manque de mémoire", "Limiter le tas du processus."),
        ("Caractères cassés dans l'export CSV", "Écrire une marque d'ordre des octets."),
    ),
    "Chinese": (
        ("导入时数据库被锁定", "下一个之前关闭连接。"),
        ("容器内存不足", "限制进程的堆。"),
        ("跨域请求", "浏览器拦截了响应。添加响应头部就可以解决问题。"),
    ),
    "Japanese": (
        ("インポート中にデータベースがロックされる", "次の前に接続を閉じる。"),
        ("コンテナのメモリ不足", "プロセスのヒープを制限する。"),
        ("CSV出力の文字化け", "BOM付きで書き出す。"),
    ),
    "Korean": (
        ("가져오는 동안 데이터베이스가 잠긴다", "다음 것 전에 연결을 닫는다."),
        ("로그인 및 회원가입 화면 오류 수정", "입력값 검증 로직 및 에러 메시지 개선"),
        ("CSV 내보내기의 글자 깨짐", "파일을 BOM과 함께 쓴다."),
    ),
}
STRANGERS = {
    "Greek": ("Καλημέρα, διάβασα τις σημειώσεις", "Πόσο κοστίζει το εισιτήριο για το νησί;"),
    "Russian": ("ну неплохо, так держать", "Сколько стоит билет до Самары?"),
    "Ukrainian": ("Добрий день, дякую за допомогу", "Скільки коштує квиток до Одеси?"),
    "Turkish": ("Günaydın, notları okudum", "Adaya bilet ne kadar?"),
    "French": ("Bonjour, j'ai lu les notes", "Combien coûte un billet pour l'île ?"),
    "Chinese": ("希望能增加夜间模式", "去海岛的船票多少钱？"),
    "Japanese": ("ご確認いただきありがとうございました。", "島までの切符はいくらですか"),
    "Korean": ("빌드 및 실행이 정상 동작한다", "셀프 리뷰를 완료했다"),
}
ASKED = {
    "Greek": ("η φόρτωση σταματά επειδή η βάση δεδομένων είναι κλειδωμένη", 0),
    "Russian": ("загрузка прерывается: база данных заблокирована", 0),
    "Ukrainian": ("завантаження переривається: база даних заблокована", 0),
    "Turkish": ("veritabanı kilitli olduğu için veriler yüklenemiyor", 0),
    "French": ("le chargement s'arrête car la base est verrouillée", 0),
    "Chinese": ("09.如何解决跨域问题？", 2),
    "Japanese": ("データベースがロックされていて読み込みが止まる", 0),
    "Korean": ("CSV 파일의 글자 깨짐 문제", 2),
}


@pytest.fixture(scope="module")
def model() -> SentenceEmbedder:
    return SentenceEmbedder.load()


@pytest.fixture(params=sorted(STORES))
def store(
    request: pytest.FixtureRequest, model: SentenceEmbedder, tmp_path: Path
) -> Iterator[tuple[str, Bench, list[str]]]:
    """A language, a service with that language's lessons, and their ids."""
    bench = Bench(tmp_path, mode="similarity")
    bench.service.attach(model)
    ids = [bench.remember(*lesson).id for lesson in STORES[request.param]]
    yield request.param, bench, ids
    bench.service.close()


def test_a_store_is_silent_to_strangers_and_answers_what_is_asked_in_its_own_language(
    store: tuple[str, Bench, list[str]],
) -> None:
    language, bench, ids = store
    for stranger in STRANGERS[language]:
        assert bench.ids(stranger) == []
        assert bench.ids(stranger, door="prompt") == []
    for (title, _), own in zip(STORES[language], ids, strict=True):
        assert bench.ids(title, door="prompt")[:1] == [own]
    question, place = ASKED[language]
    assert bench.ids(question)[:1] == [ids[place]]


def test_a_listing_by_words_of_another_subject_finds_nothing(
    store: tuple[str, Bench, list[str]],
) -> None:
    language, bench, _ = store
    for stranger in STRANGERS[language]:
        assert bench.lessons(query=stranger).total == 0


def test_a_korean_prompt_that_shares_an_everyday_word_is_told_nothing_uninvited(
    model: SentenceEmbedder, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, mode="similarity")
    bench.service.attach(model)
    for lesson in STORES["Korean"]:
        bench.remember(*lesson)
    assert bench.ids("커밋 메시지가 작업 내용과 일치한다", door="prompt") == []
    bench.service.close()


@pytest.mark.parametrize(
    ("lesson", "everyday"),
    [
        (
            ("注文確認メールが二重に届く", "Webhookのidを一意にする。制約を追加する。"),
            (
                "確認してください",
                "問題があります",
                "テストを実行して",
                "ダークモードを追加",
                "続けて",
            ),
        ),
        (
            ("Проблема с кодировкой в выгрузке", "Проверь файл, добавь метку порядка байтов."),
            ("есть проблема", "Проверь, пожалуйста", "добавь кнопку", "спасибо"),
        ),
        (
            ("检查订单时出现跨域问题", "添加响应头，再测试一次。"),
            ("请检查一下", "有问题", "运行测试", "谢谢"),
        ),
        (
            ("Problema de codificación en la exportación", "Revisa el archivo y añade BOM."),
            ("hay un problema", "revisa esto, gracias", "añade un botón"),
        ),
        (
            ("The nightly export breaks on old accounts", "Split ids hi and lo, average the load."),
            ("hi", "hey", "nice, proceed", "what is the average?"),
        ),
    ],
    ids=("Japanese", "Russian", "Chinese", "Spanish", "English"),
)
def test_an_everyday_word_alone_serves_nobody(
    model: SentenceEmbedder, tmp_path: Path, lesson: tuple[str, str], everyday: tuple[str, ...]
) -> None:
    bench = Bench(tmp_path, mode="similarity")
    bench.service.attach(model)
    bench.remember(*lesson)
    assert [said for said in everyday if bench.ids(said)] == []
    assert bench.ids(lesson[0], door="prompt")
    bench.service.close()


def test_another_error_in_russian_is_not_told_as_seen_before(
    model: SentenceEmbedder, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, mode="similarity")
    bench.service.attach(model)
    seen = "Ошибка: После обновления не смог зайти в приложение"
    bench.report(task="Не могу запустить приложение", outcome="failure", error=seen)
    other = bench.recall("Добрый день", error="Ошибка: файл не найден")
    again = bench.recall("Не могу запустить приложение", error=seen)
    assert not other.warnings
    assert len(again.warnings) == 1
    bench.service.close()


def test_the_packaged_axes_are_those_that_the_packaged_model_gives(model: SentenceEmbedder) -> None:
    packaged, measured = axes(model), measured_axes(model)
    assert packaged.shape == (len(languages()), model.dimension)
    assert float((packaged * measured).sum(axis=1).min()) > 0.999
