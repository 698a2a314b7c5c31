"""Short ids: the last twelve hex digits of a UUIDv7, which are its random part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.repositories.lookup import ItemKind
    from storage.uow import UnitOfWork

SHORT = 12
_WHOLE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_END = re.compile(r"[0-9a-f]{4,12}")


@dataclass(frozen=True)
class Item:
    """Something that can be reviewed."""

    kind: ItemKind
    id: str


def short(item_id: str) -> str:
    """The id as people type it."""
    return item_id[-SHORT:]


def find_item(uow: UnitOfWork, text: str) -> Item:
    """The one thing of the workspace whose id is that, or ends so.

    Args:
        uow: the workspace's unit of work.
        text: a whole id, or four to twelve digits of its end.

    Raises:
        InvalidInput: it is no id, or several things' ids end so.
        NotFound: there is no such thing.
    """
    from domain.errors import InvalidInput, NotFound
    from storage.repositories.lookup import Lookup

    wanted = text.strip().lower()
    if not (_WHOLE.fullmatch(wanted) or _END.fullmatch(wanted)):
        raise InvalidInput(
            f"{text!r} is not an id. `humas review` lists ids of {SHORT} digits; the last four are enough "
            "where they are unique."
        )
    found = Lookup(uow.session, uow.workspace_id).by_suffix(wanted)
    if not found:
        raise NotFound(
            f"Nothing in this workspace has the id {text}. `humas review` lists what waits."
        )
    if len(found) > 1:
        ids = ", ".join(f"{short(item_id)} ({kind})" for kind, item_id in found)
        raise InvalidInput(f"{text} is ambiguous; give more digits: {ids}.")
    return Item(*found[0])
