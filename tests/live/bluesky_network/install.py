"""Installs the node modules of the Bluesky network, in a cache folder outside the checkout.

Run it as ``python -m tests.live.bluesky_network.install``. It is safe to repeat and to run twice
at once: a complete install is left alone, and a broken one is made again. It takes minutes the
first time, because better-sqlite3 is compiled where no prebuilt binary can be fetched.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = ("package.json", "package-lock.json", ".npmrc")
COMPLETE = "complete"
MINIMUM_NODE = (18, 7)
INSTALL_SECONDS = 1800

# Opens a database, so that a better-sqlite3 whose binary was not built is found out here: npm
# blocks or skips install scripts without failing.
PROBE = (
    "const r = require('module').createRequire(process.argv[1] + '/');"
    "r.resolve('@atproto/dev-env');"
    "const p = r('module').createRequire(r.resolve('@atproto/pds'));"
    "new (p('better-sqlite3'))(':memory:').close();"
)


class InstallError(Exception):
    """The node modules of the Bluesky network could not be installed."""


def node_problem() -> str | None:
    """Say why node cannot be used, or None where it can."""
    if shutil.which("node") is None:
        return "node is not installed; install Debian's nodejs and npm packages"
    try:
        answer = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout.strip()
        version = tuple(int(part) for part in answer.removeprefix("v").split(".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return f"node does not run: {error}; reinstall nodejs"
    if version < MINIMUM_NODE:
        wanted = ".".join(map(str, MINIMUM_NODE))
        return f"node {answer} is too old; install node {wanted} or newer"
    return None


def modules_folder() -> Path:
    """The cache folder of this lock file's install (it need not exist yet)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    return cache / "humas" / "bluesky-network" / digest


def modules_problem() -> str | None:
    """Say why the installed modules cannot be used, or None where they can."""
    folder = modules_folder()
    if (folder / COMPLETE).is_file():
        return None
    return f"its node modules are not installed in {folder}; run `make live-deps`"


def install() -> Path:
    """Install the modules unless they are there already and still work.

    Returns:
        The folder that holds ``node_modules``.

    Raises:
        InstallError: node or npm is missing, npm failed, or the native module was not built.
    """
    problem = node_problem()
    if problem is not None:
        raise InstallError(problem)
    if shutil.which("npm") is None:
        raise InstallError("npm is not installed; install Debian's npm package")
    folder = modules_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / f"{folder.name}.lock"):
        # Probed even when complete: another node release cannot load the old native module.
        if (folder / COMPLETE).is_file() and _probe(folder) is None:
            return folder
        (folder / COMPLETE).unlink(missing_ok=True)
        for name in MANIFEST:
            shutil.copy2(HERE / name, folder / name)
        _npm_ci(folder)
        problem = _probe(folder)
        if problem is not None:
            raise InstallError(
                f"npm ci ended well in {folder}, but the modules do not load: {problem}; "
                "see that a C++ compiler, make and python3 are installed, and run it again"
            )
        (folder / COMPLETE).touch()
    return folder


def _npm_ci(folder: Path) -> None:
    environment = os.environ | {"JOBS": str(os.cpu_count() or 1)}
    node = Path(shutil.which("node") or "node").resolve()
    prefix = node.parent.parent
    if (prefix / "include" / "node" / "node.h").is_file():
        # The compiler uses the headers beside node, where they are, and fetches none.
        environment["npm_config_nodedir"] = str(prefix)
    try:
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"],
            cwd=folder,
            env=environment,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(
            f"npm ci in {folder} took over {INSTALL_SECONDS} s; check the network and repeat"
        ) from error
    if done.returncode != 0:
        raise InstallError(
            f"npm ci in {folder} ended with {done.returncode}; its output above says why"
        )


def _probe(folder: Path) -> str | None:
    done = subprocess.run(
        ["node", "-e", PROBE, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    return None if done.returncode == 0 else done.stderr.strip()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Install and print the folder; a failure is told on the error stream with exit code 1."""
    try:
        folder = install()
    except InstallError as error:
        print(f"The Bluesky network cannot be installed: {error}", file=sys.stderr)
        return 1
    print(f"Bluesky network: modules in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
