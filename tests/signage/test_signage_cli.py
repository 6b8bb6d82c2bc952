"""The commands as a person runs them, and a player that is killed, stopped, doubled and deprived, as real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pygame
import pytest

from signage.contract import Hello, Item, Noted, Played, Scene, Show, ToAgent, ToPlayer, for_agent, line

TREE = Path(__file__).parent.parent.parent


class Device:
    """A folder with a configuration, and the player on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "signage.yaml"
        self.config.write_text(
            f"signage:\n  screen: front\n  socket: {folder}/s\n  folder: {folder}/player\n  journal: {folder}/journal\n"
            "  display: {mode: headless, width: 640, height: 360}\n"
        )

    @contextmanager
    def player(self) -> Iterator[subprocess.Popen[str]]:
        """Start a player and wait until it says that its screen is open."""
        process = subprocess.Popen(
            [sys.executable, "-m", "signage", "run", str(self.config)],
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

    def agent(self) -> Agent:
        return Agent(self.folder)


class Agent:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Agent:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(str(self._folder / "s"))
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
        while b'"shown"' not in b"".join(self._entries(show.scene.scene)):
            os.sched_yield()

    def _entries(self, scene: str) -> list[bytes]:
        wanted = f'"scene":"{scene}"'.encode()
        return [entry for entry in (self._folder / "journal").read_bytes().splitlines() if wanted in entry]

    def hear(self) -> ToAgent | None:
        return for_agent(self._file.readline())


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def signage(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "signage", *map(str, arguments)], cwd=TREE, capture_output=True, text=True, check=False
    )


def test_a_good_configuration_has_no_problems(device: Device) -> None:
    done = signage("check", device.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no problems" in done.stdout


def test_every_problem_is_listed_with_its_line_and_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        f"signage:\n  screen: Front Door\n  socket: /{'x' * 120}\n  folder: 3\n  speed: fast\n"
        "  display: {mode: huge, width: 10}\n  theme: {brand: ''}\n"
    )
    done = signage("check", file)
    assert done.returncode == 2
    for words in (
        "line 4: signage.folder",
        "line 5: signage.speed",
        "line 6: signage.display.mode",
        "signage.theme.brand",
    ):
        assert words in done.stderr
    file.write_text(f"signage:\n  screen: Front Door\n  socket: /tmp/s\n  folder: {tmp_path}\n")
    assert "line 2: signage.screen: must be" in signage("run", file).stderr
    file.write_text(
        f"signage:\n  screen: front\n  socket: /{'x' * 120}\n  folder: {tmp_path}\n  display: {{width: 10}}\n"
    )
    assert "signage.display.width: must be 320 to 4096" in signage("check", file).stderr
    file.write_text(f"signage:\n  screen: front\n  socket: /{'x' * 120}\n  folder: {tmp_path}\n")
    assert "signage.socket: must be at most 100 bytes" in signage("check", file).stderr


def test_a_scene_is_drawn_to_a_file(
    tmp_path: Path, png: Callable[..., bytes], stored: Callable[[Path, bytes], str]
) -> None:
    digest = stored(tmp_path / "pictures", png(50, 50, "blue"))
    item = Item(id="p", title="抹茶", price="¥580", picture=digest)
    made = Scene(scene="s", layout="recommendation", language="ja", title="おすすめ", items=(item,))
    (tmp_path / "scene.json").write_bytes(msgspec.json.encode(made))
    out = tmp_path / "out.png"
    done = signage("snapshot", tmp_path / "scene.json", out, "--size", "720x1280", "--assets", tmp_path / "pictures")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = pygame.image.load(out)
    assert picture.get_size() == (720, 1280)
    assert picture.get_at((360, 500)) == pygame.Color("blue")


@pytest.mark.parametrize("text", ["{", "[1]", '{"scene": "s"}', "missing"])
def test_what_is_no_scene_is_one_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "scene.json"
    if text != "missing":
        file.write_text(text)
    done = signage("snapshot", file, tmp_path / "out.png")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(file) in done.stderr


def test_a_picture_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "scene.json").write_bytes(
        msgspec.json.encode(Scene(scene="s", layout="notice", language="en", title="Hello"))
    )
    done = signage("snapshot", tmp_path / "scene.json", tmp_path / "no" / "out.png")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_size_that_is_none_is_refused(tmp_path: Path) -> None:
    done = signage("snapshot", "scene.json", "out.png", "--size", "20x90000")
    assert done.returncode == 2
    assert "must be 320 to 4096 pixels" in done.stderr


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
        done = signage("run", device.config)
        assert done.returncode == 1
        assert "Another player already uses" in done.stderr
        (device.folder / "other").mkdir()
        other = Device(device.folder / "other")
        other.config.write_text(other.config.read_text().replace(f"{other.folder}/s", f"{device.folder}/s"))
        done = signage("run", other.config)
        assert done.returncode == 1
        assert "Another player already uses" in done.stderr


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


def test_without_a_screen_the_drivers_are_named(device: Device) -> None:
    if any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY")) or Path("/dev/dri").exists():
        pytest.skip("there is a screen here")
    device.config.write_text(device.config.read_text().replace("mode: headless", "mode: full"))
    done = signage("run", device.config)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert all(driver in last for driver in ("kmsdrm", "wayland", "x11", "display.mode: headless"))


def test_the_journal_holds_every_word(device: Device, scene: Callable[..., Scene], show: Callable[..., Show]) -> None:
    with device.player(), device.agent() as agent:
        agent.put_on(show(scene("p", title="さくらさん", text="いつもありがとうございます")))
        agent.put_on(show(scene("q")))
        agent.hear()
    lines = [json.loads(text) for text in (device.folder / "journal").read_text().splitlines()]
    shown = next(entry for entry in lines if entry["event"] == "shown" and entry["scene"] == "p")
    assert {"さくらさん", "いつもありがとうございます"} <= set(shown["texts"])
    ended = next(entry for entry in lines if entry["event"] == "ended" and entry["scene"] == "p")
    assert (ended["ended"], ended["screen"]) == ("replaced", "front")
    assert ended["at_ns"] > shown["at_ns"]
