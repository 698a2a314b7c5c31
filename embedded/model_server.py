"""A small language model served on loopback, OpenAI-compatible, by `xllamacpp`.

Shared like the other servers: the first process to ask starts it, the last one to leave stops it.
Run as a program it is the server itself:
`python -m embedded.model_server --model FILE --alias NAME --port 0 --ready-file FILE`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from embedded.daemon import Daemon
from embedded.errors import BinariesMissingError, StartError, UnknownModelError
from embedded.folders import make_home, make_private
from embedded.locks import Holders, exclusive

_HOST = "127.0.0.1"
_LOCK_TIMEOUT = 600.0
_START_TIMEOUT = 300.0
_STOP = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
_PROMPT_CACHE_MIB = 512


class _Ready(BaseModel):
    """What a server writes when it has loaded its model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pid: int
    port: int
    model: Path
    alias: str
    context: int
    slots: int


class ModelServer:
    """The model server of one home.

    Args:
        home: Folder for lock, log and record; created when missing.
        model: A GGUF file.
        alias: The name that requests use.
        context: Tokens per slot.
        slots: Requests served at once.
        threads: None for the cores that we may use.
    """

    def __init__(
        self,
        home: Path,
        *,
        model: Path,
        alias: str,
        context: int = 8192,
        slots: int = 1,
        threads: int | None = None,
    ) -> None:
        self.home = home.resolve()
        self.model = model.resolve()
        self.alias = alias
        self._context = context
        self._slots = slots
        self._threads = threads or cores()
        self._control = self.home / "embedded"
        self._record = self._control / "model.json"
        self._holders = Holders(self._control / "model-holders.lock")
        self._thread_lock = threading.RLock()
        self.daemon = Daemon("model", self._control)

    @property
    def url(self) -> str | None:
        """The base URL for the `openai` client, or None when no server is ready."""
        ready = self._ready()
        return f"http://{_HOST}:{ready.port}/v1" if ready else None

    def answers(self) -> bool:
        """Whether a server is ready with this model and these settings."""
        ready = self._ready()
        if ready is None or not self._same(ready):
            return False
        try:
            with httpx.Client(trust_env=False, timeout=10) as client:
                return (
                    client.get(f"http://{_HOST}:{ready.port}/health").status_code == httpx.codes.OK
                )
        except httpx.TransportError:
            return False

    def ensure(self, timeout: float = _START_TIMEOUT) -> str:
        """Return the base URL once the model is loaded, starting the server when it does not run.

        A server that died is started again, at the same port if that is still free.

        Args:
            timeout: Seconds for loading.

        Raises:
            StartError: It did not come up, or it serves another model to others.
            UnknownModelError: The model's file does not exist.
            BinariesMissingError: xllamacpp is not installed.
        """
        with self._thread_lock:
            if not (self._holders.joined and self.answers()):
                self._check()
                with exclusive(self._control / "model-start.lock", _LOCK_TIMEOUT):
                    self._make_way()
                    self._holders.join()
                    self.daemon.bring_up(self.answers, self._launch, timeout)
            ready = self._ready()
            if ready is None:
                message = (
                    f"The model server ended just now. Its log is {self.daemon.log}; try again."
                )
                raise StartError(message)
            return f"http://{_HOST}:{ready.port}/v1"

    def release(self) -> bool:
        """Give the share back and stop the server if nobody else uses it.

        Returns:
            Whether it was stopped.

        Raises:
            StopError: It did not stop.
        """
        with self._thread_lock:
            if not self._holders.joined:
                return False
            with exclusive(self._control / "model-start.lock", _LOCK_TIMEOUT):
                if not self._holders.leave():
                    return False
                self.daemon.end(_STOP)
            return True

    def stop(self) -> None:
        """Stop the server, whoever uses it.

        Raises:
            StopError: It did not stop.
        """
        with self._thread_lock:
            if not self._control.exists():
                return
            with exclusive(self._control / "model-start.lock", _LOCK_TIMEOUT):
                self._holders.leave()
                self.daemon.end(_STOP)

    def __enter__(self) -> Self:
        self.ensure()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _check(self) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            message = (
                "The package xllamacpp is not installed. Install the dependency group `embedded`, or"
                " set HUMAS_LLM_BASE_URL to a model endpoint of your own."
            )
            raise BinariesMissingError(message)
        if not self.model.is_file():
            message = f"The model file {self.model} does not exist. Fetch the model first."
            raise UnknownModelError(message)
        make_home(self.home)
        make_private(self._control)

    def _make_way(self) -> None:
        """End a server of another model, if nobody uses that."""
        ready = self._ready()
        if ready is None or self._same(ready):
            return
        if self._holders.any():
            message = (
                f"A server of {ready.alias} with {ready.context} tokens and {ready.slots} slots runs for"
                f" {self.home} and is in use; {self.alias} was wanted. Stop what uses it, or choose the"
                f" same model."
            )
            raise StartError(message)
        self.daemon.end(_STOP)

    def _launch(self) -> None:
        port = self._free_port()
        self._record.unlink(missing_ok=True)
        options = {
            "model": str(self.model),
            "alias": self.alias,
            "port": str(port),
            "ready-file": str(self._record),
            "context": str(self._context),
            "slots": str(self._slots),
            "threads": str(self._threads),
        }
        argv = [sys.executable, "-m", "embedded.model_server"]
        for name, value in options.items():
            argv += [f"--{name}", value]
        # Idle OpenMP threads spin by default: on shared cores an answer took ten times as long.
        env = {"GOMP_SPINCOUNT": "0", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
        self.daemon.spawn(argv, env=env)

    def _free_port(self) -> int:
        """The port of the server that ended, so that its URL stays; 0 when that is taken."""
        last = self._read_record()
        if last is None:
            return 0
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, last.port))
            except OSError:
                return 0
        return last.port

    def _ready(self) -> _Ready | None:
        return self._read_record() if self.daemon.running() else None

    def _read_record(self) -> _Ready | None:
        try:
            return _Ready.model_validate_json(self._record.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _same(self, ready: _Ready) -> bool:
        wanted = (self.model, self.alias, self._context, self._slots)
        return (ready.model, ready.alias, ready.context, ready.slots) == wanted


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve(arguments: list[str] | None = None) -> None:
    """Load a model, serve it, write the ready file, and stay until a signal ends the process."""
    parser = argparse.ArgumentParser(description="Serve one GGUF model on loopback.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--context", type=int, default=8192)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--threads", type=int, default=cores())
    options = parser.parse_args(arguments)
    os.environ.setdefault("GOMP_SPINCOUNT", "0")  # read when the library below is loaded

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(options.model)
    params.model_alias = {options.alias}
    params.hostnames = [_HOST]
    params.port = options.port
    params.n_ctx = options.context * options.slots
    params.n_parallel = options.slots
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.cache_prompt = True
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.ui = False
    params.endpoint_slots = False
    params.cors_origins = f"http://{_HOST}"
    params.verbosity = 2
    server = xllamacpp.Server(params)  # returns when the model is loaded and answers
    ready = _Ready(
        pid=os.getpid(),
        port=int(server.listening_address.rsplit(":", 1)[1]),
        model=options.model,
        alias=options.alias,
        context=options.context,
        slots=options.slots,
    )
    fresh = options.ready_file.with_suffix(".new")
    fresh.write_text(ready.model_dump_json())
    fresh.replace(options.ready_file)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    serve()
