"""The error tree of the business rules.

HumasError
├── InvalidInput          what a person or a file gave cannot be used
│   ├── InvalidBrand
│   ├── LimitExceeded     a text or a picture breaks a platform's limit
│   └── RiskNotAccepted   it could be published a second time, and nobody opted in
├── NotFound              no such thing in this workspace
├── NotPermitted          this person may not do that
├── StaleVersion          the person saw an older version
├── TransitionRefused     the state does not allow the verb
├── Stopped               a stop switch is on
└── ModelError            the language model could not do its part
    ├── ModelUnavailable  endpoint down, refused, or time-out
    ├── ModelOff          no model is configured, by choice
    ├── InvalidOutput     rubbish, also after the repair turn
    ├── BudgetExceeded    the brand's budget for the day is used up
    └── ReplayMiss        a recorded run has no answer to this call

Every message says what happened, to what, and what to do next.
"""


class HumasError(Exception):
    """Base of all errors that a person can act on."""


class InvalidInput(HumasError):
    """What a person or a file gave cannot be used."""


class InvalidBrand(InvalidInput):
    """The description of a brand is incomplete or wrong."""


class LimitExceeded(InvalidInput):
    """A text or a picture breaks a platform's limit."""


class RiskNotAccepted(InvalidInput):
    """It could be published a second time; a person has to accept that."""


class NotFound(HumasError):
    """No such thing in this workspace."""


class NotPermitted(HumasError):
    """This person may not do that."""


class StaleVersion(HumasError):
    """The verb carries an older version than the current one."""

    def __init__(self, what: str, seen: int, current: int) -> None:
        super().__init__(
            f"{what} has changed since you opened it (you saw version {seen}, now it is {current}). "
            "Open it again, look at what changed, and decide anew."
        )
        self.seen = seen
        self.current = current


class TransitionRefused(HumasError):
    """The state does not allow the verb."""


class Stopped(HumasError):
    """A stop switch is on; nothing leaves until a person turns it off."""


class ModelError(HumasError):
    """The language model could not do its part of a stage."""


class ModelUnavailable(ModelError):
    """The endpoint is down, refuses us, or takes too long."""


class ModelOff(ModelError):
    """No model is configured; people do the stage by hand."""


class InvalidOutput(ModelError):
    """The model's answer breaks the schema or the rules, also after the repair turn."""


class BudgetExceeded(ModelError):
    """The brand's model budget for the day is used up."""


class ReplayMiss(ModelError):
    """A recorded run holds no answer to this call."""
