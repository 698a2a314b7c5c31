"""Reading a brand from a TOML file and from options."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domain.brand import BrandProfile

EXAMPLE = "docs/examples/brand.toml"


def read_toml(path: Path) -> dict[str, Any]:
    """The brand's description in a file; `-` is standard input.

    Paths of documents come back absolute, taken from the file's folder, because the workers that
    read them run elsewhere.

    Raises:
        InvalidBrand: there is no such file, it is no TOML, or a document is missing.
    """
    from domain.errors import InvalidBrand

    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InvalidBrand(
            f"The file {path} cannot be read: {error.strerror}. {EXAMPLE} is one to start from."
        ) from error
    try:
        values = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidBrand(
            f"{path} is not TOML: {error}. {EXAMPLE} shows what a brand file looks like."
        ) from error
    folder = Path() if str(path) == "-" else path.parent
    documents = values.get("documents")
    if isinstance(documents, list):
        values["documents"] = [_document(folder, item) for item in documents]
    return values


def _document(folder: Path, item: object) -> object:
    from domain.errors import InvalidBrand

    if not isinstance(item, str):
        return item  # refused with all other wrong fields
    path = (folder / item).resolve()
    if not path.is_file():
        raise InvalidBrand(
            f"The document {item} is not there (looked for {path}). Correct its path or remove it."
        )
    return str(path)


def make_profile(values: dict[str, Any]) -> BrandProfile:
    """Check a description as far as that is possible before anything runs.

    Raises:
        InvalidBrand: with one line per wrong field.
        notifications.send.InvalidAddress: a report could never be delivered there.
    """
    from domain.brand import parse_brand
    from domain.errors import InvalidBrand

    profile = parse_brand(values)
    room = profile.period_days * len(set(profile.posting_times))
    if not profile.rhythm and profile.posts_per_period > room:
        raise InvalidBrand(
            f"{profile.posts_per_period} posts do not fit into {profile.period_days} days with "
            f"{len(set(profile.posting_times))} posting times a day. Add posting_times, or lower "
            "posts_per_period."
        )
    if profile.reports_to:
        from notifications.send import check_addresses

        check_addresses(profile.reports_to)
    return profile
