"""Why a demonstration ends early.

DemoError
├── HomeRefused    the folder is not ours to empty, or another demonstration runs in it
├── NetworkFailed  the stand-in network did not start, or refused what was asked of it
├── FormRefused    a page did not offer the expected form, or refused what was posted
├── StageFailed    a stage gave up; the message holds its reason
└── NoProgress     nothing has changed for too long

Each is a HumasError, so the command line shows its message without a traceback.
"""

from domain.errors import HumasError


class DemoError(HumasError):
    """The demonstration cannot go on."""


class HomeRefused(DemoError):
    """The folder is not ours to empty, or another demonstration runs in it."""


class NetworkFailed(DemoError):
    """The stand-in network did not start, or refused what was asked of it."""


class FormRefused(DemoError):
    """A page did not offer the expected form, or refused what was posted."""


class StageFailed(DemoError):
    """A stage gave up."""


class NoProgress(DemoError):
    """Nothing has changed for too long."""
