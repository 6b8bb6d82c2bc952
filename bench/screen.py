"""Runs the real player without a window and measures it as an agent would; prints one line of JSON."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import day
from signage.contract import Hello, Item, Noted, Played, Playlist, Scene, Show, ToAgent, ToPlayer, for_agent, line

TREE = Path(__file__).parent.parent
FILM_S = 10
NAMES = (
    "抹茶",
    "焙茶",
    "玉露",
    "煎茶",
    "最中",
    "羊羹",
    "団子",
    "大福",
    "煎餅",
    "饅頭",
    "黒糖",
    "小豆",
    "柚子",
    "桜餅",
    "柏餅",
    "葛切",
    "白玉",
    "金平糖",
    "栗",
    "芋",
)


class Agent:
    """The other end of the player's socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.005)
        self._file = self._socket.makefile("rb")

    def send(self, message: ToPlayer) -> None:
        self._socket.sendall(line(message))

    def hear(self) -> ToAgent | None:
        message = for_agent(self._file.readline())
        if isinstance(message, Played):
            self.send(Noted(play=message.play))
        return message

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the pictures on loopback, as central does."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def pictures(folder: Path, many: int, size: tuple[int, int]) -> list[str]:
    """Draw pictures that are no flat colour, as files named by their hashes."""
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    import pygame

    digests = []
    for number in range(many):
        picture = pygame.Surface(size)
        dice = random.Random(number)
        for _ in range(60):
            colour = tuple(dice.randrange(256) for _ in range(3))
            pygame.draw.circle(
                picture, colour, (dice.randrange(size[0]), dice.randrange(size[1])), dice.randrange(20, 200)
            )
        made = folder / "made.jpg"
        pygame.image.save(picture, made)
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        made.rename(folder / digest)
        digests.append(digest)
    return digests


def campaign(number: int, picture: str) -> Scene:
    return Scene(
        scene=f"c{number}",
        layout="campaign",
        language="ja",
        title="春のいちごフェア、はじまりました",
        text="いちご大福からショートケーキまで、旬のいちごを使った品をとりそろえました。",
        picture=picture,
        hold_ms=1000,
    )


def recommendation(number: int, products: list[str], dice: random.Random) -> Scene:
    items = tuple(
        Item(
            id=f"p{index}",
            title=f"{dice.choice(NAMES)}と{dice.choice(NAMES)}の{dice.choice(NAMES)} {dice.randrange(2, 9)}個入り",
            price=f"¥{dice.randrange(200, 9000):,}",
            note=f"{dice.choice(NAMES)}をお選びの方に",
            picture=digest,
        )
        for index, digest in enumerate(dice.sample(products, 3))
    )
    title = f"{dice.choice(NAMES)}のお好きな方へ"
    return Scene(scene=f"s{number}", layout="recommendation", language="ja", title=title, items=items, hold_ms=60000)


def film(folder: Path, seconds: int) -> str:
    """Make a file, named by its hash: 1280×720, 30 frames a second, H.264, all of the picture moves."""
    import av
    import numpy

    made = folder / "made.mp4"
    with av.open(str(made), "w") as file:
        stream = file.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        noise = numpy.random.default_rng(1).integers(0, 255, (90, 160, 3), dtype=numpy.uint8)
        picture = noise.repeat(8, axis=0).repeat(8, axis=1)
        for number in range(30 * seconds):
            moved = numpy.ascontiguousarray(numpy.roll(picture, 6 * number, axis=1))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        file.mux(stream.encode())
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    made.rename(folder / digest)
    return digest


def film_late(agent: Agent, digest: str, seconds: int) -> float:
    """Show the film once, and give the part of its frames that came late, by the player's own report."""
    agent.send(
        Show(
            scene=Scene(
                scene="film", layout="campaign", language="ja", title="旬", film=digest, hold_ms=seconds * 1000
            ),
            cause="override",
            trigger_ns=0,
            decided_ns=0,
        )
    )
    time.sleep(seconds + 0.5)
    while not (isinstance(heard := agent.hear(), Played) and heard.scene == "film"):
        pass
    return round(heard.late / (30 * seconds), 4)


def share(sorted_ms: list[float], part: float) -> float:
    return round(sorted_ms[min(len(sorted_ms) - 1, int(len(sorted_ms) * part))], 2)


def shows(agent: Agent, many: int, products: list[str]) -> dict[str, float]:
    """Show one scene after another; milliseconds from the send to the flipped frame, by the player's own report."""
    dice = random.Random(7)
    times: list[float] = []
    for number in range(many + 10):
        now = time.monotonic_ns()
        scene = recommendation(number, products, dice)
        agent.send(Show(scene=scene, cause="beacon", trigger_ns=now, decided_ns=now))
        if number:  # What the scene replaced is reported now: the loop's item first, then scene after scene.
            while not (isinstance(heard := agent.hear(), Played) and heard.cause == "beacon"):
                pass
            times.append((heard.first_frame_ns - heard.trigger_ns) / 1e6)
        time.sleep(0.05)
    settled = sorted(times[-many:])  # The first ten decode the pictures.
    return {"p50": share(settled, 0.5), "p99": share(settled, 0.99), "max": round(settled[-1], 2)}


def memory(process: int, field: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return round(int(status.split(f"{field}:")[1].split()[0]) / 1024, 1)


def busy(process: int) -> float:
    """Seconds of CPU that the process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def first_frame(journal: Path) -> int:
    while not (journal.exists() and journal.read_bytes().count(b"\n")):
        time.sleep(0.005)
    return int(json.loads(journal.read_text().splitlines()[0])["at_ns"])


def measure(folder: Path, many: int, width: int, height: int, still: float) -> dict[str, object]:
    store = folder / "store"
    store.mkdir()
    campaigns, products = pictures(store, 4, (1600, 1200)), pictures(store, 12, (800, 800))
    moving = film(store, FILM_S)
    journal, place = folder / "journal", folder / "player"
    settings = folder / "signage.yaml"
    settings.write_text(
        f"signage:\n  screen: bench\n  socket: {folder}/s\n  folder: {place}\n  journal: {journal}\n  log: warning\n"
        f"  display: {{mode: headless, width: {width}, height: {height}}}\n"
    )
    began = time.monotonic_ns()
    player = subprocess.Popen([sys.executable, "-m", "signage", "run", str(settings)], cwd=TREE)
    try:
        agent = Agent(folder / "s")
        assert isinstance(agent.hear(), Hello)
        with served(store) as source:
            loop = tuple(campaign(index, digest) for index, digest in enumerate(campaigns))
            agent.send(Playlist(version="one", items=loop, assets=source, wanted=(*products, moving)))
            while len(list((place / "assets").glob("?" * 64))) < len(campaigns) + len(products) + 1:
                time.sleep(0.05)
        time.sleep(5)  # Some fades of the loop.
        figures = shows(agent, many, products)
        late = film_late(agent, moving, FILM_S)
        agent.send(Playlist(version="two", items=(loop[0],)))
        long = Scene(scene="still", layout="notice", language="en", title="Still", hold_ms=3_600_000)
        agent.send(Show(scene=long, cause="override", trigger_ns=0, decided_ns=0))
        time.sleep(1)
        before = busy(player.pid)
        time.sleep(still)
        cpu = (busy(player.pid) - before) / still
        result = {
            "first_frame_s": round((first_frame(journal) - began) / 1e9, 3),
            "shows": many,
            "scene_to_frame_ms": figures,
            "rss_mb": memory(player.pid, "VmRSS"),
            "peak_mb": memory(player.pid, "VmHWM"),
            "static_cpu_share": round(cpu, 4),
            "video_late_share": late,
            "size": f"{width}x{height}",
        }
        agent.close()
        return result
    finally:
        player.terminate()
        player.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shows", type=int, default=200)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--hours", type=float, default=24.0, help="simulated hours of mixed content")
    parser.add_argument("--fades", type=int, default=20)
    parser.add_argument("--still", type=float, default=10.0, help="seconds for which nothing moves")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="noren-") as folder:
        result = measure(Path(folder), given.shows, width, height, given.still)
    with tempfile.TemporaryDirectory(prefix="noren-") as name:
        place = Path(name)
        loop = [replace(campaign(n, digest), hold_ms=8000) for n, digest in enumerate(pictures(place, 7, (800, 600)))]
        result["crossfade_ms"] = day.fades(place, loop, (width, height), given.fades)
    with tempfile.TemporaryDirectory(prefix="noren-") as name:
        place = Path(name)
        loop = [replace(campaign(n, digest), hold_ms=8000) for n, digest in enumerate(pictures(place, 7, (800, 600)))]
        person = recommendation(0, pictures(place, 3, (400, 400)), random.Random(1))
        result |= day.lived(place, given.hours, loop, person)
    print(json.dumps(result | {"pi": "unmeasured"}))


if __name__ == "__main__":
    main()
