"""What can go wrong when reading about a brand.

SourceError
├── SiteUnreachable      the start page cannot be had at all
├── RobotsForbid         the website does not want to be read by programs
├── EmptySite            pages came, but none holds readable text
├── UnreadableDocument   a file that a person gave cannot be read as text
└── CardUnread           the page of a link cannot be read for a preview

A single page that fails in the middle of a crawl is no error: it stands in
`CrawlResult.skipped` with its reason.
"""

from __future__ import annotations

from domain.errors import HumasError

__all__ = [
    "CardUnread",
    "EmptySite",
    "RobotsForbid",
    "SiteUnreachable",
    "SourceError",
    "UnreadableDocument",
]


class SourceError(HumasError):
    """Base of everything that reading sources raises."""


class CardUnread(SourceError):
    """The page of a link cannot be read for a preview."""


class SiteUnreachable(SourceError):
    """The start page cannot be had: no server, refused address, error status, too large."""


class RobotsForbid(SourceError):
    """The robots.txt of the website keeps us from the start page, or cannot be had."""


class EmptySite(SourceError):
    """No page of the website holds readable text."""


class UnreadableDocument(SourceError):
    """A given file is no text, Markdown or HTML in a readable encoding, or it is empty."""
