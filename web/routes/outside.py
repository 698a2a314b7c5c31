"""What a brand's accounts published before Humas and beside it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.errors import InvalidInput
from web.pages import page
from web.visit import Visit_

router = APIRouter()
SHOWN = 30  # posts on a page


@router.get("/brands/{brand_id}/outside")
def outside(
    request: Request, visit: Visit_, brand_id: str, account: str = "", before: str = ""
) -> Response:
    """Posts that did not go out through Humas, newest first, a page at a time.

    Args:
        request: the request.
        visit: who asks.
        brand_id: the brand.
        account: of this account only.
        before: where the page before ended, as its link said.
    """
    with visit.services.database.unit(visit.workspace_id) as uow:
        brand = uow.brands.get(brand_id)
        if account:
            uow.brands.account(account)
        found = uow.outside.find(
            brand_id=brand_id,
            account_id=account or None,
            before=_place(before) if before else None,
            limit=SHOWN + 1,
        )
        posts = found[:SHOWN]
        last = posts[-1] if len(found) > SHOWN else None
        return page(
            request,
            "outside.html",
            visit,
            brand=brand,
            zone=uow.brands.profile(brand_id).time_zone,
            accounts={row.id: row for row in uow.brands.accounts(brand_id, active=False)},
            posts=posts,
            figures=uow.outside.figures([post.id for post in posts]),
            filters={"account": account, "before": before},
            older=f"{last.posted_at.isoformat()}~{last.id}" if last else "",
        )


def _place(text: str) -> tuple[datetime, str]:
    at, _, post_id = text.partition("~")
    try:
        instant = datetime.fromisoformat(at)
        place = instant, str(UUID(post_id))
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no place in the list. Begin at its top.") from error
    if instant.tzinfo is None:
        raise InvalidInput(f"{text!r} is no place in the list. Begin at its top.")
    return place
