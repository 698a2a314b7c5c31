"""A scripted reviewer, who decides through the same pages and forms as a person."""

from __future__ import annotations

import time

import httpx

from cli.demo_parts.errors import FormRefused
from cli.demo_parts.forms import PageForm, forms
from cli.demo_parts.situation import Waiting

START_SECONDS = 60
FAREWELL = "Sampai jumpa di kedai!"
WISH = "Tolong buat lebih ramah dan lebih singkat."
BY_HAND = "Terima kasih sudah menulis kepada kami! Tim kami membacanya dan akan mengabarimu."
GREETING = "Selamat pagi! Sudah menyeduh kopi hari ini?"
RUN_AGAIN = 1  # a failed stage is run again once; then a person would take over


class Reviewer:
    """Logs in once and decides what waits.

    Args:
        url: address of the web application.
        email: of the login.
        password: of the login.
        quick: whether the model is quick enough to be asked for a change.
        client: sends the requests.
    """

    def __init__(
        self,
        url: str,
        email: str,
        password: str,
        *,
        quick: bool = False,
        client: httpx.Client | None = None,
    ) -> None:
        self._client = client or httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._email, self._password = email, password
        self._logged_in = False
        self._edited = False
        self._changed = False
        self._again: dict[str, int] = {}
        self.quick = quick
        self.by_hand = 0

    def decide(self, item: Waiting) -> str:
        """Decide on one thing that waits.

        Returns:
            What was done, in words.

        Raises:
            FormRefused: the page did not take it.
        """
        self._login()
        if item.kind in ("dossier", "plan"):
            self._post(item.path, "approve")
            return f"approved the {item.kind}"
        if item.kind == "comment":
            self._post(item.path, "no_answer", reason="Tidak perlu dijawab.")
            return "left a comment without an answer"
        if item.kind == "failure":
            return self._take_over(item)
        # A text without a source can be approved only as one that claims nothing.
        if "no_claim" in self._form(item.path, "approve").boxes:
            return self._replace(item)
        if item.kind == "post" and not self._edited:
            self._edited = True
            return self._edit(item)
        if item.kind == "post" and self.quick and not self._changed:
            self._changed = True
            self._post(item.path, "request_changes", comment=WISH)
            return "asked for a change of a post"
        self._post(item.path, "approve")
        return f"approved a {item.kind}"

    def may_run_again(self, item: Waiting) -> bool:
        """Whether a failed stage is worth another try."""
        return self._again.get(item.id, 0) < RUN_AGAIN

    def run_again(self, item: Waiting) -> str:
        """Run a failed stage again."""
        self._login()
        self._again[item.id] = self._again.get(item.id, 0) + 1
        self._retry(item)
        return "ran a failed stage again"

    def go_on_by_hand(self, item: Waiting) -> str:
        """Let people do a stage that the model cannot do: of an evaluation the figures remain."""
        self._retry(item, by_hand="on")
        self.by_hand += 1
        return "goes on by hand: the evaluation keeps its figures and has no text"

    def _take_over(self, item: Waiting) -> str:
        """Write the reply by hand where the model could not."""
        self._post(item.path, "reply", text=f"@{item.handle} {BY_HAND}", no_claim="on")
        self.by_hand += 1
        return "wrote a reply by hand"

    def _retry(self, item: Waiting, **more: str) -> None:
        self._login()
        found = self._forms("/")
        wanted = f"/threads/{item.thread_id}/retry"
        form = next((form for form in found.values() if form.action == wanted), None)
        if form is None:
            raise FormRefused(
                f"The home page does not offer to run the failed stage again ({item})."
            )
        self._send(form, more)

    def _replace(self, item: Waiting) -> str:
        """Put a text that claims nothing in the place of one that no source stands behind."""
        form = self._form(item.path, "edit")
        form.action = form.action.replace("/edit", "/edit_and_approve")
        text = form.values("text")[0]
        mention = text.split(" ", 1)[0] + " " if text.startswith("@") else ""
        words = GREETING if item.kind == "post" else mention + BY_HAND
        self._send(form, {"text": words, "no_claim": "on"})
        self.by_hand += 1
        return f"put own words in the place of a {item.kind} without a source, and approved it"

    def _edit(self, item: Waiting) -> str:
        form = self._form(item.path, "edit")
        (text, *_more) = form.values("text")
        words, gap, tags = text.partition("\n\n#")
        form.action = form.action.replace("/edit", "/edit_and_approve")
        self._send(form, {"text": f"{words} {FAREWELL}{gap}{tags}"})
        return "edited a post and approved it"

    def _login(self) -> None:
        if self._logged_in:
            return
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                form = self._form("/login", "login")
                break
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise FormRefused(f"The web application does not answer: {error}") from error
                time.sleep(0.2)
        self._send(form, {"email": self._email, "password": self._password})
        self._logged_in = True

    def _post(self, path: str, form_id: str, **changes: str) -> None:
        self._send(self._form(path, form_id), changes)

    def _form(self, path: str, form_id: str) -> PageForm:
        found = self._forms(path)
        if form_id not in found:
            raise FormRefused(
                f"The page {path} has no form {form_id!r}; it has: {', '.join(found) or 'none'}."
            )
        return found[form_id]

    def _forms(self, path: str) -> dict[str, PageForm]:
        answer = self._client.get(path, follow_redirects=True)
        if answer.status_code != httpx.codes.OK:
            raise FormRefused(f"The page {path} answered {answer.status_code}:\n{answer.text}")
        return forms(answer.text)

    def _send(self, form: PageForm, changes: dict[str, str]) -> None:
        answer = self._client.post(form.action, data=form.filled(**changes))
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise FormRefused(
                f"Posting to {form.action} answered {answer.status_code} instead of going on:\n"
                f"{answer.text}"
            )
