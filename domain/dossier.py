"""The dossier: the four questions of fact finding, each finding with its evidence."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.brand import BusinessModel, Purpose
from domain.source import Evidence

Topic = Literal[
    "business_model", "purpose", "product", "audience", "platform", "competitor", "fact"
]

QUESTIONS: dict[str, str] = {
    "business_model": "Does it sell to businesses or to consumers?",
    "purpose": "Is it on social media to build reputation or to promote sales?",
    "platform": "Which platforms fit the target market?",
    "competitor": "What do competitors do well, and what is missing?",
}


class Finding(BaseModel):
    """One statement about the brand. Without evidence it is unverified."""

    model_config = ConfigDict(frozen=True)

    topic: Topic
    statement: str = Field(min_length=1)
    evidence: tuple[Evidence, ...] = ()
    entered_by: Literal["model", "person"] = "model"

    @property
    def verified(self) -> bool:
        """Whether a verbatim quote stands behind it."""
        return bool(self.evidence)


class PlatformFit(BaseModel):
    """One platform against the target market; `share` is None where no figure exists."""

    model_config = ConfigDict(frozen=True)

    platform: str
    group: str = ""
    share: float | None = Field(default=None, ge=0, le=1)
    method: str = ""
    source: str = ""
    year: int | None = None
    second_hand: bool = False
    note: str = ""


class CompetitorProfile(BaseModel):
    """A competitor account as read; `imitate` and `add` are statements of a person or a model."""

    model_config = ConfigDict(frozen=True)

    name: str
    read: bool = False
    note: str = ""
    imitate: tuple[Finding, ...] = ()
    add: tuple[Finding, ...] = ()


class Dossier(BaseModel):
    """What is known of a brand, at one time."""

    model_config = ConfigDict(frozen=True)

    business_model: BusinessModel = "unknown"
    business_model_evidence: tuple[Evidence, ...] = ()
    purpose: Purpose = "unknown"
    purpose_evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    platforms: tuple[PlatformFit, ...] = ()
    competitors: tuple[CompetitorProfile, ...] = ()
    skipped_sources: tuple[str, ...] = ()
    summary: str = ""

    def open_questions(self) -> list[str]:
        """The questions of fact finding that have no answer with evidence yet."""
        missing = []
        if self.business_model == "unknown" or not self.business_model_evidence:
            missing.append("business_model")
        if self.purpose == "unknown" or not self.purpose_evidence:
            missing.append("purpose")
        if not any(fit.share is not None for fit in self.platforms):
            missing.append("platform")
        if not any(profile.read for profile in self.competitors):
            missing.append("competitor")
        return missing
