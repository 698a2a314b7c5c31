"""Daemons, locks and folders, with small system programs as servers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from embedded.daemon import Daemon
from embedded.errors import FolderError, StartError, StopError
from embedded.folders import check_socket_path, digest, make_private, run_folder
from embedded.locks import Holders, exclusive


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon("sleeper", tmp_path)


def kill(daemon: Daemon) -> None:
    daemon.end(((signal.SIGKILL, 5.0),))


def test_a_daemon_is_found_by_any_object_and_ends(daemon: Daemon, tmp_path: Path) -> None:
    assert not daemon.running()
    assert daemon.pid() is None
    pid = daemon.spawn(["sleep", "60"])
    try:
        other = Daemon("sleeper", tmp_path)
        assert other.running()
        assert other.pid() == pid
        assert os.getsid(pid) != os.getsid(0)
        with pytest.raises(StartError, match="runs already"):
            other.spawn(["sleep", "60"])
    finally:
        kill(daemon)
    assert not daemon.running()
    assert daemon.pid() is None


def test_a_killed_daemon_is_seen_at_once(daemon: Daemon) -> None:
    pid = daemon.spawn(["sleep", "60"])
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while daemon.running():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_record_of_a_dead_daemon_is_never_signalled(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "sleeper.pid").write_text(f"{os.getpid()}\n")
    kill(daemon)  # would end the test run


def test_the_steps_are_gone_through(daemon: Daemon) -> None:
    daemon.spawn(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"])
    deadline = time.monotonic() + 5
    while "deaf" not in daemon.log_tail():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(StopError, match="did not end"):
        daemon.end(((signal.SIGTERM, 0.3),))
    daemon.end(((signal.SIGTERM, 0.1), (signal.SIGKILL, 5.0)))
    assert not daemon.running()


def test_a_server_that_ends_while_starting_shows_its_log(daemon: Daemon) -> None:
    def launch() -> None:
        daemon.spawn(["sh", "-c", "echo out of cheese >&2; exit 3"])

    with pytest.raises(StartError, match="out of cheese"):
        daemon.bring_up(lambda: False, launch, 10)


def test_a_server_that_never_answers_is_left_alone(daemon: Daemon) -> None:
    pid = daemon.spawn(["sleep", "60"])
    try:
        with pytest.raises(StartError, match=f"process {pid}"):
            daemon.bring_up(lambda: False, lambda: pytest.fail("launched twice"), 0.2)
        assert daemon.pid() == pid
    finally:
        kill(daemon)


def test_servers_get_a_small_environment(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    printed = daemon.run(["env"])
    assert "PGPORT" not in printed
    assert "TZ=UTC" in printed


def test_a_large_log_is_put_aside(daemon: Daemon) -> None:
    with daemon.log.open("wb") as log:
        log.truncate(10_000_001)
    daemon.spawn(["true"])
    assert daemon.log.stat().st_size == 0
    assert daemon.log.with_suffix(".log.old").stat().st_size == 10_000_001


def test_a_failing_preparation_says_what_it_printed(daemon: Daemon) -> None:
    with pytest.raises(StartError, match=r"(?s)status 4.*no luck"):
        daemon.run(["sh", "-c", "echo no luck; exit 4"])
    with pytest.raises(StartError, match="cannot be run"):
        daemon.run(["/nowhere/initdb"])


def test_the_last_holder_knows(tmp_path: Path) -> None:
    first, second = Holders(tmp_path / "h"), Holders(tmp_path / "h")
    first.join()
    second.join()
    second.join()
    assert first.any()
    assert not first.leave()
    assert not first.leave()
    assert second.leave()
    assert not first.any()


def test_a_forked_child_goes_on_counting(tmp_path: Path) -> None:
    holders = Holders(tmp_path / "h")
    holders.join()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)  # until the parent closes its end
        os._exit(0)
    os.close(read)
    assert not holders.leave()
    os.close(write)
    os.waitpid(child, 0)
    assert not holders.any()


def test_the_exclusive_lock_waits_and_gives_up(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "l", 1),
        pytest.raises(StartError, match="fuser"),
        exclusive(tmp_path / "l", 0.1),
    ):
        pytest.fail("locked twice")
    with exclusive(tmp_path / "l", 0.1):
        pass


def test_the_run_folder_is_short_however_deep_the_home(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 200)
    assert len(str(run_folder(deep))) < 40
    assert run_folder(deep) != run_folder(tmp_path)
    assert digest(tmp_path / "x" / "..") == digest(tmp_path)
    with pytest.raises(FolderError, match="bytes"):
        check_socket_path(deep / "socket")


def test_a_link_or_file_in_the_place_of_our_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(FolderError, match="Someone else"):
            make_private(tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, -1)
    with pytest.raises(FolderError, match="user 65534"):
        make_private(tmp_path / "theirs")


def test_an_own_folder_is_closed(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    assert make_private(tmp_path / "open").stat().st_mode & 0o777 == 0o700
