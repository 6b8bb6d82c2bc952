"""What is heard: SDL's own driver that writes what it would sound into a file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from array import array
from collections import Counter
from pathlib import Path

import pygame
import pytest

from signage.chimes import _TUNES, RATE, Chimes, samples
from signage.config import SignageConfig
from signage.contract import Chime, Scene, Show, line

TREE = Path(__file__).parent.parent.parent
HEARD = """
import pygame, sys, time
from collections import Counter
from signage.chimes import Chimes
with Chimes(int(sys.argv[1]), counts := Counter()) as chimes:
    for chime in sys.argv[2:]:
        chimes.play(chime)
        while pygame.mixer.get_init() and pygame.mixer.get_busy():
            time.sleep(0.01)
print(dict(counts))
"""


def heard(folder: Path, volume: int, *chimes: Chime) -> array[int]:
    """What a process of its own sounds."""
    file = folder / "sound.raw"
    # Many times as fast as it would be heard.
    env = {"SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": str(file), "SDL_DISKAUDIODELAY": "1"}
    run = [sys.executable, "-c", HEARD, str(volume), *chimes]
    subprocess.run(run, cwd=TREE, env={**os.environ, **env}, check=True, capture_output=True, timeout=60)
    return written(file)


def written(file: Path) -> array[int]:
    data = file.read_bytes() if file.exists() else b""
    return array("h", data[: len(data) // 2 * 2])


def loudest(sound: array[int]) -> int:
    return max(map(abs, sound), default=0)


@pytest.mark.parametrize("chime", ["read", "unknown", "expired", "wrong"])
def test_each_outcome_is_heard(tmp_path: Path, chime: Chime) -> None:
    sound = heard(tmp_path, 80, chime)
    assert 20_000 < loudest(sound) < 28_000
    assert sum(1 for sample in sound if abs(sample) > 500) > RATE * 0.05


def test_half_the_volume_is_softer(tmp_path: Path) -> None:
    (tmp_path / "soft").mkdir()
    assert loudest(heard(tmp_path / "soft", 20, "read")) < loudest(heard(tmp_path, 80, "read")) / 2


def test_nothing_is_heard_where_nothing_is_wanted(tmp_path: Path) -> None:
    assert loudest(heard(tmp_path, 80, "none")) == 0
    assert not heard(tmp_path / "nowhere", 0, "read")


def test_the_four_are_told_apart() -> None:
    assert len({samples(tune) for tune in _TUNES.values()}) == 4


def test_without_a_device_the_player_goes_on_says_so_and_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "no-such-driver")
    counts: Counter[str] = Counter()
    now = [0.0]
    with Chimes(50, counts, lambda: now[0]) as chimes:
        chimes.play("read")
        assert "speaker" in chimes.trouble
        assert counts == {"chimes_unheard": 1}
        monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
        now[0] = 29.0
        chimes.play("read")
        assert counts["chimes"] == 0
        now[0] = 31.0
        chimes.play("read")
        assert (chimes.trouble, counts["chimes"]) == ("", 1)
    assert pygame.mixer.get_init() is None


def test_the_volume_is_checked() -> None:
    bad = SignageConfig(screen="a", socket=Path("s"), folder=Path(), volume=101)
    assert list(bad.problems()) == ["volume: must be 0 (no chimes) to 100"]


def test_a_player_sounds_what_comes_with_a_scene(tmp_path: Path) -> None:
    config = tmp_path / "signage.yaml"
    config.write_text(
        f"signage:\n  screen: front\n  socket: {tmp_path}/s\n  folder: {tmp_path}/player\n  volume: 60\n"
        f"  display: {{mode: headless, width: 640, height: 360}}\n"
    )
    file = tmp_path / "sound.raw"
    env = {**os.environ, "SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": str(file)}
    process = subprocess.Popen([sys.executable, "-m", "signage", "run", str(config)], cwd=TREE, env=env)
    try:
        while not (tmp_path / "s").exists():
            assert process.poll() is None
            time.sleep(0.02)
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(str(tmp_path / "s"))
            scene = Scene(scene="s-1", layout="notice", language="ja", title="ご来店ありがとうございます")
            at = time.monotonic_ns()
            agent.sendall(line(Show(scene=scene, cause="scan", trigger_ns=at, decided_ns=at, chime="wrong")))
            while loudest(written(file)) < 10_000:
                assert process.poll() is None
                time.sleep(0.05)
    finally:
        process.terminate()
        process.wait(20)
