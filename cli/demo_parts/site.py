"""The fictitious brand's website on loopback: static pages and nothing else."""

from __future__ import annotations

import socket
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "demo" / "site"


class _Pages(SimpleHTTPRequestHandler):
    """Serves files of one folder; folders without a page of their own are not listed."""

    extensions_map = {  # noqa: RUF012 - the type of the base class
        **SimpleHTTPRequestHandler.extensions_map,
        ".html": "text/html; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
    }

    def list_directory(self, path: Any) -> None:  # noqa: ARG002
        """No lists of files for visitors."""
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay quiet: who reads what is shown by the research stage."""


def make_server(listening: socket.socket, folder: Path = FOLDER) -> ThreadingHTTPServer:
    """The web server over a listening socket of the caller."""
    host, port = listening.getsockname()[:2]
    server = ThreadingHTTPServer(
        (host, port), partial(_Pages, directory=str(folder)), bind_and_activate=False
    )
    server.socket.close()
    server.socket = listening
    server.daemon_threads = True
    return server


def serve_site(listening: socket.socket, folder: Path = FOLDER) -> None:
    """Serve the website until the process ends."""
    make_server(listening, folder).serve_forever()
