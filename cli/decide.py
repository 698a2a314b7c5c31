"""Carrying out what a person decided at the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.ids import Item
from cli.output import note

if TYPE_CHECKING:
    from domain.action import Payload
    from domain.approval import Verb
    from domain.slot import Slot
    from storage.tables import Action, ChannelAccount
    from storage.uow import UnitOfWork
    from workflows.actions import ActionVerbs
    from workflows.items import Draft
    from workflows.services import Services


@dataclass(frozen=True)
class Desk:
    """Where decisions are made: a workspace, and who sits there."""

    services: Services
    workspace_id: str
    email: str | None

    def decide(
        self,
        item: Item,
        verb: Verb,
        seen: int,
        *,
        comment: str = "",
        texts: tuple[str, ...] | None = None,
        slot: tuple[str, str, str | None] | None = None,
        remote_id: str | None = None,
        approve: bool = False,
        no_claim: bool = False,
        accept: bool = False,
    ) -> str:
        """Do it.

        Args:
            item: an action or a paper.
            verb: what.
            seen: the version the person saw.
            comment: why.
            texts: with EDIT: the new text of each segment.
            slot: with RESCHEDULE: date, time and zone (None: the brand's).
            remote_id: with SETTLE_PUBLISHED: the post that was found.
            approve: with EDIT: approve what was typed.
            no_claim: with APPROVE and EDIT: the text makes no factual claim, says the person.
            accept: the person accepts that it could be published a second time.

        Returns:
            The state afterwards.

        Raises:
            HumasError: what the verbs refuse; nothing is changed then.
        """
        from cli.session import acting_user
        from domain import approval
        from domain.errors import InvalidInput

        if verb is approval.Verb.EDIT and texts is not None and item.kind == "action":
            self._check_limits(item.id, texts)
        with self.services.database.unit(self.workspace_id) as uow:
            user = acting_user(uow, self.email)
            if item.kind == "paper":
                from workflows.papers import decide_paper

                return decide_paper(uow, user, item.id, verb, seen, comment).state
            if item.kind == "interaction":
                raise InvalidInput(
                    "This is a comment of the public. Answer it with `humas review reply`, or say that it "
                    "gets no answer with `humas review no-answer`."
                )
            verbs = self._verbs(uow)
            action = uow.actions.get(item.id)
            draft = (
                _draft(uow, action, texts, no_claim=no_claim)
                if verb is approval.Verb.EDIT and texts is not None
                else None
            )
            if draft is not None and approve:
                action = verbs.edit_and_approve(user, item.id, seen, draft, comment, accept=accept)
            else:
                action = verbs.decide(
                    user,
                    item.id,
                    verb,
                    seen,
                    comment=comment,
                    draft=draft,
                    slot=_slot(uow, action, slot) if slot else None,
                    remote_id=remote_id,
                    no_claim=no_claim,
                    accept=accept,
                )
            return action.state

    def reply(self, item: Item, text: str, *, no_claim: bool) -> str:
        """Write a reply to a comment; it goes into review.

        Args:
            item: the comment.
            text: the reply.
            no_claim: it makes no factual claim, says the person.

        Returns:
            The reply's id.

        Raises:
            HumasError: it cannot be written, or is too long for the platform.
        """
        from cli.session import acting_user
        from domain.action import ActionKind
        from domain.errors import InvalidInput
        from workflows.items import Draft, new_payload
        from workflows.start import compose_reply

        if item.kind != "interaction":
            raise InvalidInput("Only a comment can be answered; `humas review` lists them.")
        draft = Draft(text=text, no_claim=no_claim)
        with self.services.database.unit(self.workspace_id) as uow:
            comment = uow.interactions.get(item.id)
            account = uow.brands.account(comment.account_id)
        self._refuse(account, new_payload(account, ActionKind.REPLY, draft, comment.remote_id))
        with self.services.database.unit(self.workspace_id) as uow:
            user = acting_user(uow, self.email)
            return compose_reply(uow, self._verbs(uow), user, item.id, draft).id

    def act_on_comment(self, item: Item, kind: str) -> str:
        """Put an act without words on a comment into review: like or unlike.

        Returns:
            The act's id.

        Raises:
            HumasError: it is no comment, or the same is waiting already.
        """
        from cli.session import acting_user
        from domain.action import ActionKind
        from domain.errors import InvalidInput
        from workflows.start import compose_act

        if item.kind != "interaction":
            raise InvalidInput("Only comments are liked; `humas review` lists them.")
        with self.services.database.unit(self.workspace_id) as uow:
            comment = uow.interactions.get(item.id)
            user = acting_user(uow, self.email)
            return compose_act(
                uow,
                self._verbs(uow),
                user,
                comment.account_id,
                ActionKind(kind),
                comment.remote_id,
            ).id

    def delete(self, item: Item, part: int) -> str:
        """Put the deletion of a published part into review.

        Returns:
            The deletion's id.

        Raises:
            HumasError: that part is not on the platform, or its deletion is waiting already.
        """
        from cli.session import acting_user
        from domain.errors import InvalidInput
        from workflows.start import compose_deletion

        if item.kind != "action":
            raise InvalidInput("Only our own posts and replies can be deleted.")
        with self.services.database.unit(self.workspace_id) as uow:
            user = acting_user(uow, self.email)
            return compose_deletion(uow, self._verbs(uow), user, item.id, part).id

    def again(self, item: Item, texts: tuple[str, ...], *, no_claim: bool) -> str:
        """Write a new post from a published one; it goes into review.

        Returns:
            The new post's id.

        Raises:
            HumasError: the item is not published, or the text is too long for the platform.
        """
        from cli.session import acting_user
        from domain.errors import InvalidInput
        from workflows.start import revise_post

        if item.kind != "action":
            raise InvalidInput("Only a published post or reply can be written anew.")
        self._check_limits(item.id, texts)
        with self.services.database.unit(self.workspace_id) as uow:
            user = acting_user(uow, self.email)
            draft = _draft(uow, uow.actions.get(item.id), texts, no_claim=no_claim)
            return revise_post(uow, self._verbs(uow), user, item.id, draft).id

    def no_answer(self, item: Item, reason: str) -> None:
        """Say that a comment gets no answer.

        Raises:
            HumasError: it is no comment, or there is a draft already.
        """
        from cli.session import acting_user
        from domain.errors import InvalidInput
        from workflows.start import no_answer

        if item.kind != "interaction":
            raise InvalidInput("Only comments are left without an answer; reject a draft instead.")
        with self.services.database.unit(self.workspace_id) as uow:
            no_answer(uow, acting_user(uow, self.email), item.id, reason)

    def _verbs(self, uow: UnitOfWork) -> ActionVerbs:
        from workflows.actions import ActionVerbs

        return ActionVerbs(
            uow, self.services.clock, undo_seconds=self.services.settings.undo_seconds
        )

    def _check_limits(self, action_id: str, texts: tuple[str, ...]) -> None:
        from domain.action import Payload

        with self.services.database.unit(self.workspace_id) as uow:
            action = uow.actions.get(action_id)
            version = uow.actions.version(action)
            assert version is not None
            draft = _draft(uow, action, texts, no_claim=False)
            account = uow.brands.account(action.account_id)
        payload = Payload.model_validate(version.payload)
        self._refuse(account, payload.model_copy(update={"segments": draft.segments()}))

    def _refuse(self, account: ChannelAccount, payload: Payload) -> None:
        """Refuse a text that the platform would; one whose limits cannot be asked goes on.

        Raises:
            LimitExceeded: with the count and the limit.
        """
        from channels.base import ChannelError
        from domain.errors import LimitExceeded
        from workflows.fit import limit_problem

        try:
            problem = limit_problem(self.services, account, payload)
        except ChannelError as error:
            note(f"Its limits are checked later, when it is sent: {error}")
            return
        if problem:
            raise LimitExceeded(problem)


def _draft(uow: UnitOfWork, action: Action, texts: tuple[str, ...], *, no_claim: bool) -> Draft:
    """New texts with what the version before carried: pictures, link, sources.

    That the old text claimed nothing says nothing of the new one.
    """
    from domain.action import Payload
    from workflows.items import Draft

    old = uow.actions.version(action)
    assert old is not None
    segments = Payload.model_validate(old.payload).segments
    first = segments[0] if segments else None
    return Draft(
        text=texts[0],
        more=texts[1:],
        media=first.media if first else (),
        more_media=tuple(segment.media for segment in segments[1:]),
        evidence=tuple(old.evidence),
        no_claim=no_claim,
        link=first.link if first else None,
        languages=first.languages if first else (),
        card=first.card if first else None,
        quote=first.quote if first else None,
    )


def _slot(uow: UnitOfWork, action: Action, slot: tuple[str, str, str | None]) -> Slot:
    from workflows.items import parse_slot

    day, at, zone = slot
    return parse_slot(day, at, zone or uow.brands.profile(action.brand_id).time_zone)
