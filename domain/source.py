"""What was read about a brand: documents, their sentences, and quotes that point into them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

DocumentKind = Literal["page", "document", "answer"]


class SourceDocument(BaseModel):
    """One page or file as it was read.

    Every string of `sentences` is an exact substring of `text`, in the order of the text.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    title: str
    language: str | None
    fetched_at: datetime
    sha256: str
    kind: DocumentKind
    text: str
    sentences: tuple[str, ...]


class SourceSentence(BaseModel):
    """A stored sentence that a model may point at by `id`."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    url: str = ""
    title: str = ""
    fetched_at: datetime | None = None


class Evidence(BaseModel):
    """A verbatim quote, copied by code from a stored sentence."""

    model_config = ConfigDict(frozen=True)

    sentence_id: str
    quote: str
    url: str
    title: str
    fetched_at: datetime
