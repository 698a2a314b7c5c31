"""The pages in a real browser on a phone: nothing blocked, nothing too wide, and no script needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from storage.uow import Database
from tests import builders as b
from tests.integration.web.conftest import Tenant
from tests.live.chromium import PHONE, available, chromium_page

pytestmark = [
    pytest.mark.db,
    pytest.mark.browser,
    pytest.mark.skipif(available() is not None, reason=available() or ""),
]
PAGES = (
    "/",
    "/queue?show=all",
    "/inbox",
    "/inbox/{interaction_id}",
    "/items/{action_id}",
    "/compose",
    "/brands",
    "/brands/{brand_id}",
    "/brands/{brand_id}/repeats",
    "/brands/new",
    "/papers/{paper_id}",
    "/papers/{plan_id}",
    "/papers/{evaluation_id}",
    "/dossiers/{paper_id}/edit",
    "/plans/{plan_id}/edit",
    "/people",
)


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """The application behind a real server on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the web server did not start"
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=30)


def test_a_phone_reads_and_decides_without_scripts(
    address: str, tenant: Tenant, database: Database
) -> None:
    with chromium_page(PHONE) as first:
        browser = first.context.browser
        assert browser is not None
        context = browser.new_context(
            viewport={"width": PHONE[0], "height": PHONE[1]}, java_script_enabled=False
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        page.goto(f"{address}/login")
        page.fill("#email", tenant.owner.email)
        page.fill("#password", b.PASSWORD)
        page.click("#login button")
        for path in PAGES:
            answer = page.goto(address + path.format(**tenant.ids))
            assert answer is not None and answer.status == 200, path
            # The main part and everything in it stay within the screen.
            box = page.locator("main").bounding_box()
            assert box is not None and box["width"] <= PHONE[0], path
            for part in page.locator("main > *, main .card, main button:visible").all():
                inner = part.bounding_box()
                assert inner is None or inner["x"] + inner["width"] <= PHONE[0] + 1, path
        page.goto(f"{address}/items/{tenant.ids['action_id']}")
        page.click("#box-edit > summary")
        page.fill("#text-1", "Disunting di telepon")
        page.click("#edit button.primary")
        assert page.locator(".notice.good").inner_text() == "Saved and approved."
        assert errors == []
        assert all(url.startswith(address) for url in loaded)
        context.close()
    with database.unit(tenant.workspace_id) as uow:
        action = uow.actions.get(tenant.ids["action_id"])
        assert (action.state, action.version) == ("approved", 2)
