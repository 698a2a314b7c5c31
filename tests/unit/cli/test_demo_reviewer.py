"""The demonstration's reviewer: reads forms as a browser does, and decides as a person would."""

from __future__ import annotations

from urllib.parse import parse_qs

import httpx
import pytest

from cli.demo_parts.errors import FormRefused
from cli.demo_parts.forms import forms
from cli.demo_parts.reviewer import BY_HAND, FAREWELL, GREETING, Reviewer
from cli.demo_parts.situation import Waiting

POST = Waiting("post", "p1", "/items/p1", "a post")

ITEM = """<form method="post" action="/items/p1/approve" id="approve"><input type="hidden" name="csrf"
value="c"><input type="hidden" name="version" value="1"><button>Approve</button></form>
<form method="post" action="/items/p1/edit" id="edit"><input type="hidden" name="csrf" value="c">
<textarea name="text">
Kopi &amp; roti

#kopi</textarea><textarea name="text"></textarea><input type="file" name="image">
<input type="checkbox" name="no_claim"><input type="checkbox" name="kept" checked value="on"></form>"""


def test_a_form_is_read_as_a_browser_reads_it() -> None:
    form = forms(ITEM)["edit"]
    assert form.values("text") == ["Kopi & roti\n\n#kopi", ""]
    assert form.filled(text="Baru") == {"csrf": ["c"], "text": ["Baru", ""], "kept": ["on"]}


class Web:
    """Pages with forms, and what was posted to them."""

    def __init__(self, item: str = ITEM, answer: int = 303) -> None:
        self.item, self.answer = item, answer
        self.posted: list[tuple[str, dict[str, list[str]]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.posted.append((request.url.path, parse_qs(request.content.decode())))
            status = 303 if request.url.path == "/login" else self.answer
            return httpx.Response(status, text="no" if status != 303 else "")
        if request.url.path == "/login":
            return httpx.Response(
                200, text='<form id="login" action="/login"><input name="csrf" value="l"></form>'
            )
        if request.url.path == "/":
            return httpx.Response(
                200,
                text='<form id="r" action="/threads/t1/retry"><input name="csrf" value="h"></form>',
            )
        return httpx.Response(200, text=self.item)

    def reviewer(self) -> Reviewer:
        client = httpx.Client(transport=httpx.MockTransport(self), base_url="http://web")
        return Reviewer("http://web", "a@b.example", "secret", client=client)


def test_the_first_post_is_edited_the_others_are_approved() -> None:
    web = Web()
    reviewer = web.reviewer()
    reviewer.decide(POST)
    reviewer.decide(POST)
    assert [path for path, _ in web.posted] == [
        "/login",
        "/items/p1/edit_and_approve",
        "/items/p1/approve",
    ]
    assert web.posted[0][1] == {"csrf": ["l"], "email": ["a@b.example"], "password": ["secret"]}
    assert web.posted[1][1]["text"][0] == f"Kopi & roti {FAREWELL}\n\n#kopi"
    assert web.posted[2][1] == {"csrf": ["c"], "version": ["1"]}


def test_a_text_without_a_source_is_replaced_by_one_that_claims_nothing() -> None:
    box = '<input type="checkbox" name="no_claim" required>'
    web = Web(item=ITEM.replace("<button>Approve", box + "<button>Approve"))
    reviewer = web.reviewer()
    reviewer.decide(POST)
    path, fields = web.posted[1]
    assert path == "/items/p1/edit_and_approve"
    assert (fields["text"], fields["no_claim"]) == ([GREETING], ["on"])
    assert reviewer.by_hand == 1


def test_a_quick_model_is_asked_for_one_change() -> None:
    wish = '<form action="/items/p1/request_changes" id="request_changes"><textarea name="comment">'
    web = Web(item=f"{ITEM}{wish}</textarea></form>")
    reviewer = web.reviewer()
    reviewer.quick = True
    for _ in range(3):
        reviewer.decide(POST)
    verbs = [path.rsplit("/", 1)[1] for path, _ in web.posted[1:]]
    assert verbs == ["edit_and_approve", "request_changes", "approve"]


def test_a_failed_answer_is_written_by_hand_and_a_failed_stage_run_again() -> None:
    reply = '<form action="/inbox/i1/reply" id="reply"><textarea name="text"></textarea></form>'
    web = Web(item=reply)
    reviewer = web.reviewer()
    failed = Waiting("failure", "t1", "/inbox/i1", "", thread_id="t1", handle="sari_w")
    assert reviewer.may_run_again(failed)
    reviewer.run_again(failed)
    assert not reviewer.may_run_again(failed)
    reviewer.decide(failed)
    assert [path for path, _ in web.posted[1:]] == ["/threads/t1/retry", "/inbox/i1/reply"]
    assert web.posted[2][1]["text"] == [f"@sari_w {BY_HAND}"]


def test_a_refused_form_is_told() -> None:
    with pytest.raises(FormRefused, match=r"/items/p1/edit_and_approve answered 409"):
        Web(answer=409).reviewer().decide(POST)
    with pytest.raises(FormRefused, match="no form 'approve'"):
        Web(item="<p>nothing</p>").reviewer().decide(POST)
