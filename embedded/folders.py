"""Where the servers keep sockets and data, and as whom they run.

Sockets lie in a short folder, because a socket's path over about 100 bytes is refused by the
system: `/tmp/humas-<uid>-<hash of the home>`. It is the same for every process that names the same
home, whatever its environment (`TMPDIR` and `XDG_RUNTIME_DIR` differ between a login, a service and
a scheduled job), and it is used only if it belongs to us.

PostgreSQL refuses to run as root. Started by root, it runs as an existing unprivileged user, who must
be able to reach data and binaries. No permission of any folder that we did not make is changed.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import FolderError

SOCKET_PATH_LIMIT = 100
_SHORT_ROOT = Path("/tmp")  # noqa: S108 - owner and mode of the folder below it are checked
_AWAY_ROOT = Path("/var/lib")


@dataclass(frozen=True)
class Account:
    """A user of the system.

    Attributes:
        name: Login name.
        uid: Number of the user.
        gid: Number of the user's group.
    """

    name: str
    uid: int
    gid: int


def unprivileged(name: str = "nobody") -> Account | None:
    """The account that PostgreSQL must run as, or None when the present user will do.

    Raises:
        FolderError: We are root and no such user exists.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        message = (
            f"PostgreSQL refuses to run as root, and this system has no user {name!r} to run it as."
            f" Run Humas as an ordinary user, or set HUMAS_DATABASE_URL to another server."
        )
        raise FolderError(message) from error
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_enter(folder: Path, account: Account) -> bool:
    """Whether `account` can pass through `folder`, tried as that account."""
    done = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def digest(home: Path) -> str:
    """Twelve hex digits that stand for a home's real path."""
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]


def run_folder(home: Path, root: Path | None = None) -> Path:
    """The short folder for the sockets of one home; it is not created here."""
    return (root or _SHORT_ROOT) / f"humas-{os.geteuid()}-{digest(home)}"


def away_folder(home: Path) -> Path:
    """Where data lie when the home is closed to the account that PostgreSQL runs as."""
    return _AWAY_ROOT / f"humas-{digest(home)}"


def make_home(home: Path) -> None:
    """Create the home when it is missing; an existing one is left as it is.

    Raises:
        FolderError: It cannot be created or not be written by the present user.
    """
    # Root lets others pass, not look, so that PostgreSQL's account reaches its own folder inside.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        home.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {home} cannot be created ({error.strerror}). Set HUMAS_HOME to one you can write."
        raise FolderError(message) from error
    owner = home.stat().st_uid
    if not os.access(home, os.W_OK | os.X_OK):
        message = (
            f"The folder {home} belongs to user {owner} and cannot be written by user {os.geteuid()}."
            f" Run Humas as its owner, or set HUMAS_HOME to another folder."
        )
        raise FolderError(message)


def make_private(folder: Path, account: Account | None = None) -> Path:
    """Create a folder, or check one that exists, for one user alone.

    Args:
        folder: Its parent must exist.
        account: Who owns it; None for the present user.

    Returns:
        The folder, mode 700.

    Raises:
        FolderError: It exists and is a link, no folder, or belongs to someone else.
    """
    made = _make(folder)
    if made and account is not None:
        os.chown(folder, account.uid, account.gid)
    _check_owner(folder, os.geteuid() if account is None else account.uid)
    folder.chmod(0o700)
    return folder


def make_passable(folder: Path, account: Account | None) -> Path:
    """Create a folder of ours that `account` may pass through but neither list nor write.

    Raises:
        FolderError: It exists and is a link, no folder, or belongs to someone else.
    """
    if account is None:
        return make_private(folder)
    _make(folder)
    _check_owner(folder, os.geteuid())
    os.chown(folder, -1, account.gid)
    folder.chmod(0o710)
    return folder


def check_socket_path(path: Path) -> None:
    """Refuse a socket path that the system would cut or reject.

    Raises:
        FolderError: It is longer than `SOCKET_PATH_LIMIT` bytes.
    """
    length = len(os.fsencode(path))
    if length > SOCKET_PATH_LIMIT:
        message = (
            f"The socket path {path} has {length} bytes and systems allow about"
            f" {SOCKET_PATH_LIMIT}. Choose a shorter folder for run-time files."
        )
        raise FolderError(message)


def _make(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return False
    except OSError as error:
        message = (
            f"The folder {folder} cannot be created ({error.strerror}). Make its parent writable."
        )
        raise FolderError(message) from error
    return True


def _check_owner(folder: Path, uid: int) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        kind = "folder" if stat.S_ISDIR(found.st_mode) else "link or file"
        message = (
            f"{folder} is a {kind} of user {found.st_uid} and should be a folder of user {uid}."
            f" Someone else made it: remove it, or run Humas as its owner."
        )
        raise FolderError(message)
