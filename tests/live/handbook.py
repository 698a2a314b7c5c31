"""Serves Debian's handbook as a real website, in Indonesian and English, on 127.0.0.1."""

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

FOLDER = Path("/usr/share/doc/debian-handbook/html")
LANGUAGES = ("id-ID", "en-US")
HOME = f"/{LANGUAGES[0]}/index.html"


def available() -> str | None:
    """Say why the handbook cannot be served here, or None where it can."""
    for language in LANGUAGES:
        if not (FOLDER / language / "index.html").is_file():
            return (
                f"{FOLDER / language} is missing; install Debian's debian-handbook package "
                "(container images may leave /usr/share/doc out: `make live-deps` puts it in)"
            )
    return None


class HandbookSite:
    """The handbook's two languages as a site; its root leads to the Indonesian home page.

    Use it as a context manager. ``requests`` lists what was asked for, oldest first.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self._server: ThreadingHTTPServer | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Address of the site's root, with a slash at its end."""
        if self._server is None:
            raise RuntimeError("the handbook's site is not running; enter it first")
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def home(self, language: str = LANGUAGES[0]) -> str:
        """Address of one language's home page (``id-ID`` or ``en-US``)."""
        return f"{self.url}{language}/index.html"

    def __enter__(self) -> Self:
        reason = available()
        if reason is not None:
            raise RuntimeError(f"the handbook cannot be served: {reason}")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self.requests))
        self._thread = Thread(target=self._server.serve_forever, name="handbook", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, requests: list[str], *args: Any) -> None:
        self._requests = requests
        super().__init__(*args, directory=str(FOLDER))

    def send_head(self) -> Any:
        """Answer one GET or HEAD; only the two languages exist, and no folder is listed."""
        self._requests.append(f"{self.command} {self.path}")
        path = unquote(urlsplit(self.path).path)
        if path == "/":
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", HOME)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        if path.split("/")[1] not in LANGUAGES:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        """A folder without a page of its own does not exist for visitors."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay quiet: ``HandbookSite.requests`` tells what was asked for."""
