"""A player that is killed, stopped, held up, doubled and deprived, as real processes."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pygame
import pytest

from signage.contract import Hello, Noted, Played, Playlist, Scene, Show, ToAgent, ToPlayer, for_agent, line
from signage.mirror import HEADER

TREE = Path(__file__).parent.parent.parent


class Device:
    """A folder with a configuration, and the player on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mirror = folder / "mirrors" / "front"
        self.config = folder / "signage.yaml"
        self.config.write_text(
            f"signage:\n  screen: front\n  socket: {folder}/s\n  folder: {folder}/player\n  journal: {folder}/journal\n"
            f"  mirror: {self.mirror}\n"
            "  display: {mode: headless, width: 640, height: 360}\n"
        )

    @property
    def run(self) -> list[str]:
        return [sys.executable, "-m", "signage", "run", str(self.config)]

    @contextmanager
    def player(self, *before: str | Path) -> Iterator[subprocess.Popen[str]]:
        """Start a player and wait until it says that its screen is open; `before` is a command that becomes it."""
        process = subprocess.Popen(
            [*before, *self.run],
            cwd=TREE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            self.wait_for(process, "the screen is open")
            yield process
        finally:
            process.kill()
            process.communicate()

    @staticmethod
    def wait_for(process: subprocess.Popen[str], words: str) -> str:
        assert process.stderr is not None
        for text in process.stderr:
            if words in text:
                return text
        raise AssertionError(f"the player ended without saying {words!r}")

    def refused(self) -> str:
        """Start a player that cannot begin, and give what it says."""
        done = subprocess.run(self.run, cwd=TREE, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        return done.stderr

    def agent(self) -> Agent:
        return Agent(self)

    @property
    def journal(self) -> list[dict[str, Any]]:
        """Its whole lines."""
        text, _, _ = (self.folder / "journal").read_text().rpartition("\n")
        return [json.loads(entry) for entry in text.splitlines()]

    def mirrored(self, process: subprocess.Popen[str], at_ns: int = 0) -> int:
        """Wait until the mirror of this process holds a picture flipped at this time or later; give its inode."""
        while True:
            # Seen as the process sees it, for it may have a disk of its own.
            with suppress(FileNotFoundError), Path(f"/proc/{process.pid}/root/{self.mirror}").open("rb") as file:
                _, _, _, count, at, pid, _ = HEADER.unpack(file.read(HEADER.size))
                if count % 2 == 0 and at >= at_ns and pid == process.pid:
                    return os.fstat(file.fileno()).st_ino
            os.sched_yield()

    def told(self) -> tuple[int, int]:
        """Give when the picture in the mirror was flipped, and when its player's loop turned last."""
        with self.mirror.open("rb") as file:
            _, _, _, _, at_ns, _, alive_ns = HEADER.unpack(file.read(HEADER.size))
            return at_ns, alive_ns

    def shown(self, scene: str) -> dict[str, Any]:
        """Wait for its first frame."""
        while True:
            for entry in self.journal:
                if (entry["event"], entry["scene"]) == ("shown", scene):
                    return entry
            os.sched_yield()


class Agent:
    def __init__(self, device: Device) -> None:
        self._device = device

    def __enter__(self) -> Agent:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(str(self._device.folder / "s"))
        self._file = self._socket.makefile("rb")
        assert isinstance(self.hear(), Hello)
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, message: ToPlayer) -> None:
        self._socket.sendall(line(message))

    def put_on(self, show: Show) -> None:
        """Have it shown, and wait for its first frame: of two that come at once, only the second is shown."""
        self.send(show)
        self._device.shown(show.scene.scene)

    def hear(self) -> ToAgent | None:
        return for_agent(self._file.readline())


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def test_a_stopped_player_ends_its_play_and_says_so(
    device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    with device.player() as player, device.agent() as agent:
        agent.put_on(show(scene("p")))
        agent.put_on(show(scene("q")))
        first = agent.hear()
        player.send_signal(signal.SIGTERM)
        second = agent.hear()
        assert isinstance(first, Played)
        assert isinstance(second, Played)
        assert (first.scene, first.ended) == ("p", "replaced")
        assert (second.scene, second.ended) == ("q", "stopped")
        assert player.wait() == 0
    assert not (device.folder / "s").exists()


def test_a_play_open_when_the_player_is_killed_is_lost_and_told_once(
    device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    with device.player() as player, device.agent() as agent:
        for name in ("p", "q", "r"):
            agent.put_on(show(scene(name), carry={"name": name}))
        # A play is told when it is on the disk, and what began before it ended is then on the disk too.
        told = [agent.hear() for _ in range(2)]
        player.send_signal(signal.SIGKILL)
        player.wait()
    with device.player(), device.agent() as agent:
        again = [agent.hear() for _ in range(3)]
        assert again[:2] == told
        lost = again[2]
        assert isinstance(lost, Played)
        assert (lost.scene, lost.ended, lost.carry) == ("r", "lost", {"name": "r"})
        for play in again:
            assert isinstance(play, Played)
            agent.send(Noted(play=play.play))
        agent.put_on(show(scene("s")))
        agent.put_on(show(scene("t")))
        last = agent.hear()
        assert isinstance(last, Played)
        assert last.scene == "s"
    with device.player(), device.agent() as agent:
        remembered = [agent.hear(), agent.hear()]
        assert [play.scene for play in remembered if isinstance(play, Played)] == ["s", "t"]


def test_a_second_player_is_told_so(device: Device) -> None:
    with device.player():
        assert "Another player already uses" in device.refused()
        (device.folder / "other").mkdir()
        other = Device(device.folder / "other")
        other.config.write_text(other.config.read_text().replace(f"{other.folder}/s", f"{device.folder}/s"))
        assert "Another player already uses" in other.refused()


def test_a_second_player_on_a_display_is_told_so(device: Device) -> None:
    device.config.write_text(device.config.read_text().replace("mode: headless", "mode: full, output: HDMI-A-9"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as shows_on:
        shows_on.bind("\0noren-display-HDMI-A-9")
        assert "Another player already shows on the display HDMI-A-9" in device.refused()


def test_players_that_are_killed_lose_and_double_no_play(tmp_path: Path) -> None:
    kills = [sys.executable, "bench/kills.py", "--simulated", "400", "--real", "5"]
    done = subprocess.run(kills, cwd=TREE, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["simulated_kills"] >= 400
    assert (said["simulated_wrong"], said["real"]["kills"]) == (0, 5), said
    assert [said["real"][name] for name in ("lost", "doubled", "unshown", "torn")] == [0, 0, 0, 0]


def test_a_signal_has_the_screen_written_to_a_file(device: Device) -> None:
    with device.player() as player, device.agent():
        player.send_signal(signal.SIGUSR1)
        device.wait_for(player, "a snapshot was written")
        assert pygame.image.load(device.folder / "player" / "screen.png").get_size() == (640, 360)


@pytest.mark.parametrize("harm", ["spoiled", "a folder"])
def test_a_database_that_cannot_be_used_is_said_and_does_not_stop_the_screen(
    harm: str, device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    place = device.folder / "player"
    place.mkdir()
    if harm == "spoiled":
        (place / "player.db").write_bytes(b"no database" * 1000)
    else:
        (place / "player.db").mkdir()
    with device.player() as player:
        assert "player.db cannot be" in device.wait_for(player, "goes on without it")
        with device.agent() as agent:
            agent.put_on(show(scene("p")))
            agent.put_on(show(scene("q")))
            played = agent.hear()
            assert isinstance(played, Played)
            assert played.scene == "p"


def test_the_journal_holds_every_word(device: Device, scene: Callable[..., Scene], show: Callable[..., Show]) -> None:
    with device.player(), device.agent() as agent:
        agent.put_on(show(scene("p", title="さくらさん", text="いつもありがとうございます")))
        agent.put_on(show(scene("q")))
        agent.hear()
    shown = device.shown("p")
    assert {"さくらさん", "いつもありがとうございます"} <= set(shown["texts"])
    ended = next(entry for entry in device.journal if entry["event"] == "ended" and entry["scene"] == "p")
    assert (ended["ended"], ended["screen"]) == ("replaced", "front")
    assert ended["at_ns"] > shown["at_ns"]


def test_a_killed_player_begins_again_with_the_playlist_it_kept_and_needs_no_agent(
    device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    with device.player() as player, device.agent() as agent:
        agent.send(Playlist(version="v1", items=(scene("i0"), scene("i1"))))
        for name in ("p", "q"):
            agent.put_on(show(scene(name)))
        while not (isinstance(told := agent.hear(), Played) and told.scene == "p"):
            pass  # When this play is told, the playlist that came before it is on the disk.
        player.send_signal(signal.SIGKILL)
        player.wait()
    before = len(device.journal)
    with device.player():
        while len(device.journal) == before:
            os.sched_yield()
        first = device.journal[before]
        assert (first["event"], first["scene"], first["cause"], first["hold_ms"]) == ("shown", "i0", "schedule", 8000)


def test_a_scene_that_waited_in_a_player_that_hung_is_never_shown_when_its_time_is_over(
    device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    with device.player() as player, device.agent() as agent:
        agent.put_on(show(scene("p")))
        player.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, player.pid, os.WSTOPPED)
        late = show(scene("q", hold_ms=500))
        agent.send(late)
        agent.send(Playlist(version="v1", items=(scene("i0"),)))
        while time.monotonic_ns() < late.decided_ns + 500_000_000:
            os.sched_yield()
        player.send_signal(signal.SIGCONT)
        device.shown("i0")  # It was sent after q, and nothing of anybody stands in its way: p was to be replaced.
        assert [entry["scene"] for entry in device.journal if entry["event"] == "shown"] == ["standing", "p", "i0"]
        told = agent.hear()
        assert isinstance(told, Played)
        assert (told.scene, told.ended) == ("p", "replaced")
        player.send_signal(signal.SIGUSR1)
        assert json.loads(device.wait_for(player, "counted so far"))["shows_late"] == 1


def test_the_mirror_is_there_while_the_player_is_and_tells_who_was_killed(
    device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    with device.player() as player, device.agent() as agent:
        first = device.mirrored(player)
        agent.put_on(show(scene("p")))
        assert device.mirrored(player, device.shown("p")["at_ns"]) == first
        player.send_signal(signal.SIGKILL)
        player.wait()
    assert HEADER.unpack(device.mirror.read_bytes()[: HEADER.size])[5] == player.pid
    with device.player() as another:
        assert device.mirrored(another) != first
        another.send_signal(signal.SIGTERM)
        assert another.wait() == 0
    assert list(device.mirror.parent.iterdir()) == []


def test_the_mirror_tells_that_the_player_lives_while_nothing_changes(
    device: Device, scene: Callable[..., Scene]
) -> None:
    with device.player() as player, device.agent() as agent:
        agent.send(Playlist(version="v1", items=(scene("i0", hold_ms=60_000), scene("i1", title="次"))))
        first = device.shown("i0")["at_ns"]
        device.mirrored(player, first)
        while True:
            at_ns, alive_ns = device.told()
            assert at_ns < first + 30_000_000_000  # Else the next is on the screen already.
            if alive_ns > at_ns + 2_500_000_000:
                break
            os.sched_yield()


def on_a_small_disk(folder: Path, size: str) -> list[str | Path]:
    """What starts a process that finds a disk of this size in the folder, a real one; nobody else sees it."""
    folder.mkdir()
    mount = 'mount -t tmpfs -o "size=$0" tmpfs "$1" && shift && exec "$@"'
    command: list[str | Path] = ["unshare", "-rm", "sh", "-c", mount, size, folder]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    return command


def test_a_disk_too_small_for_the_mirror_does_not_stop_the_screen(
    device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    with device.player(*on_a_small_disk(device.mirror.parent, "100k")) as player, device.agent() as agent:
        assert os.strerror(errno.ENOSPC) in device.wait_for(player, "the mirror cannot be written")
        for name in ("p", "q"):
            agent.put_on(show(scene(name)))
        assert isinstance(agent.hear(), Played)
        assert list(Path(f"/proc/{player.pid}/root/{device.mirror.parent}").iterdir()) == []


def test_the_mirror_goes_on_when_its_disk_becomes_full(
    device: Device, scene: Callable[..., Scene], show: Callable[..., Show]
) -> None:
    with device.player(*on_a_small_disk(device.mirror.parent, "1m")) as player, device.agent() as agent:
        first = device.mirrored(player)
        rest = Path(f"/proc/{player.pid}/root/{device.mirror.parent}/rest")
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            rest.write_bytes(bytes(1 << 20))
        agent.put_on(show(scene("p")))
        assert device.mirrored(player, device.shown("p")["at_ns"]) == first
        player.send_signal(signal.SIGTERM)
        assert player.wait() == 0
