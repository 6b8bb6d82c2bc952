"""Kills a player, simulated and for real, and counts plays lost or doubled and files torn; prints one line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

TREE = Path(__file__).parent.parent
sys.path.insert(0, str(TREE))
os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"

from ground import sqlite  # noqa: E402 - found by the line above.
from signage import storage  # noqa: E402
from signage.contract import Ended, Noted, Played, Playlist, Scene, Show, ToPlayer, for_agent, line  # noqa: E402
from signage.proof import Proof  # noqa: E402
from signage.storage import Store  # noqa: E402

ENDS: tuple[Ended, ...] = ("over", "cleared", "replaced", "withdrawn")


@dataclass
class Known:
    """What had happened when the player was killed."""

    begun: dict[str, Played] = field(default_factory=dict)
    ended: dict[str, Played] = field(default_factory=dict)
    told: dict[str, Played] = field(default_factory=dict)
    """To the agent, which has them for good."""
    noted: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    """One of these playlists is on the disk."""
    later: set[str] = field(default_factory=set)
    """Plays that ended after a playlist was kept: where one is told, a playlist is on the disk."""
    after: dict[str, str] = field(default_factory=dict)
    """Play → the one that began when it ended."""

    def copy(self) -> Known:
        return Known(*(value.copy() for value in vars(self).values()))


class Wrong(Exception):
    """A play lost or doubled, or a file torn."""


def checked(path: Path, must: Known, may: Known) -> tuple[Playlist | None, list[Played]]:
    """Open what a killed player left. Raises Wrong where it does not hold what it must, or more than it may."""
    with closing(sqlite.connect(path)) as connection:
        if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise Wrong("the file is torn")
        counts: Counter[str] = Counter()
        store = Store(connection, counts)
        playlist, plays, clock, hour = store.playlist(), store.unnoted(), store.clock(), store.hour()
    if counts:
        raise Wrong(f"rows cannot be read: {dict(counts)}")
    if playlist is None and must.later & must.told.keys():
        raise Wrong("the playlist is gone")
    if playlist is not None and playlist.version not in may.versions:
        raise Wrong("the playlist is one that never was")
    compared(plays, must, may)
    # A play, the time it was and the hour it counts in are one transaction: none is there without the others.
    last = max((play.wall for play in plays), default=0.0)
    if clock < last:
        raise Wrong("a play is on the disk, and the time that it was is not")
    if {play.wall for play in plays if play.wall >= clock - 3600} - {wall for _, wall in hour}:
        raise Wrong("a play is on the disk, and the hour that it counts in is not")
    return playlist, plays


def compared(plays: list[Played], must: Known, may: Known) -> None:
    """Compare what is on the disk with what happened. Raises Wrong."""
    found = {play.play: play for play in plays}
    if len(found) < len(plays):
        raise Wrong("a play is there twice")
    for name, play in found.items():
        if play not in (may.ended.get(name), replace(may.begun[name], ended="lost")):
            raise Wrong("a play is there that never was")
        if name in must.told and play != must.told[name]:
            raise Wrong("a play is told once more as another one")
    for name in must.told.keys() - may.noted:
        if name not in found:
            raise Wrong("a play that the agent may not have is gone")
    for name in must.told:
        following = may.after.get(name)
        if following is not None and following not in found and following not in may.noted:
            raise Wrong("a play is told, and what came after it is not on the disk")


class Simulation:
    """A proof of play whose files are copied before each statement and checked as a kill would have left them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.dice = random.Random(seed)
        self.kills = 0
        self.known = Known()
        self.lock = threading.Lock()
        self.wrong: Counter[str] = Counter()
        self.wal = 0
        self.before = self.known
        self.next: tuple[Path, Known] | None = None
        self.number = 0

    def run(self, kills: int) -> None:
        while self.kills < kills:
            self.live()

    def live(self) -> None:
        """Live one life, and begin the next with what one of its kills has left."""
        path = self.folder / "player.db"
        for old in self.folder.glob("player.db*"):
            old.unlink()
        self.known = Known()
        if self.next is not None:
            left, self.known = self.next
            for file in left.iterdir():
                shutil.copy(file, self.folder / file.name)
        self.next = None
        connection = sqlite.connect(path)
        sqlite.migrate(connection, storage.MIGRATIONS, path)
        wal = path.with_name(path.name + "-wal")
        self.wal = wal.stat().st_size if wal.exists() else 0
        self.before = self.known.copy()
        connection.set_trace_callback(lambda _statement: self.kill(path))
        rung = threading.Event()
        with Proof(Store(connection, Counter()), rung.set, Counter()) as proof:
            for _ in range(self.dice.randrange(10, 40)):
                self.act(proof)
                if self.dice.random() < 0.7:
                    rung.wait(0.05)
                    rung.clear()
                self.tell(proof)
            proof.finish()
            self.tell(proof)
            connection.set_trace_callback(None)

    def tell(self, proof: Proof) -> None:
        """Have the agent told what is durable."""
        lines = proof.settled()
        with self.lock:
            for text in lines:
                play = for_agent(text)
                assert isinstance(play, Played)
                before = self.known.told.setdefault(play.play, play)
                if before != play:
                    self.wrong["a play is told once more as another one"] += 1
                if play.ended == "lost":
                    self.known.ended[play.play] = play

    def act(self, proof: Proof) -> None:
        match self.dice.choice(("turn", "turn", "turn", "note", "note", "playlist")):
            case "turn":
                self.number += 1
                name = f"p{self.number}"
                play = Played(play=name, scene="s", layout="notice", cause="schedule", campaign="c", wall=self.number)
                open_ = next((each for each in self.known.begun if each not in self.known.ended), None)
                with self.lock:
                    self.known.begun[name] = play
                proof.begin(play)
                if open_ is not None:
                    over = replace(self.known.begun[open_], ended_ns=self.number, ended=self.dice.choice(ENDS))
                    with self.lock:
                        self.known.ended[open_] = over
                        self.known.after[open_] = name
                        if self.known.versions:
                            self.known.later.add(open_)
                    proof.end(over)
            case "note":
                names = [name for name in self.known.told if name not in self.known.noted]
                for name in names[: self.dice.randrange(4)]:
                    with self.lock:
                        self.known.noted.add(name)
                    proof.noted(name)
            case "playlist":
                self.number += 1
                scenes = tuple(
                    Scene(scene=f"i{number}", layout="notice", language="ja", title="旬" * 200)
                    for number in range(self.dice.randrange(1, 30))
                )
                with self.lock:
                    self.known.versions.add(f"v{self.number}")
                proof.keep(Playlist(version=f"v{self.number}", items=scenes))

    def kill(self, path: Path) -> None:
        """See what a kill right now, or in the middle of the last write, would have left."""
        with self.lock:
            now = self.known.copy()
        left = self.folder / f"left{self.kills % 2}"
        shutil.rmtree(left, ignore_errors=True)
        left.mkdir()
        wal = path.with_name(path.name + "-wal")
        size = wal.stat().st_size if wal.exists() else 0
        must = now
        if size > self.wal and self.dice.random() < 0.5:
            must = self.before
            (left / wal.name).write_bytes(wal.read_bytes()[: self.dice.randrange(self.wal, size)])
        elif size:
            shutil.copy(wal, left / wal.name)
        shutil.copy(path, left / path.name)
        self.kills += 1
        resumes = self.dice.random() < 0.03
        if resumes:
            kept = self.folder / "resumed"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(left, kept)
        try:
            playlist, plays = checked(left / path.name, must, now)
        except Wrong as wrong:
            self.wrong[str(wrong)] += 1
        else:
            if resumes:
                self.next = self.folder / "resumed", self.resumed(must, now, playlist, plays)
        self.wal, self.before = size, now

    def resumed(self, must: Known, may: Known, playlist: Playlist | None, plays: list[Played]) -> Known:
        """What is known in the life that begins with these files."""
        known = must.copy()
        known.begun = dict(may.begun)
        known.versions = set(may.versions) if playlist is not None else set()  # It was still to be written.
        known.ended |= {play.play: play for play in plays}
        there = {play.play for play in plays}
        # What was not there yet when the kill came never was; what the player has forgotten was noted.
        known.begun = {name: play for name, play in known.begun.items() if name in there or name in known.told}
        known.ended = {name: play for name, play in known.ended.items() if name in known.begun}
        known.noted = {name for name in known.told if name not in there}
        known.after = {name: after for name, after in must.after.items() if after in known.begun}
        return known


class Life:
    """A real player, forked from this process so that it begins at once, and its agent."""

    def __init__(self, folder: Path, settings: Path) -> None:
        from signage import app, config

        read = config.read(settings)
        self.process = os.fork()
        if not self.process:
            with Path(os.devnull).open("r+b") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            with suppress(BaseException):
                app.run(read)
            os._exit(1)
        self.socket = socket.socket(socket.AF_UNIX)
        until = time.monotonic() + 20
        while True:
            try:
                self.socket.connect(str(folder / "s"))
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.002)
        self.got = b""

    def send(self, *messages: ToPlayer) -> None:
        with suppress(BrokenPipeError):  # It has just stopped, and tells the rest next time.
            self.socket.sendall(b"".join(map(line, messages)))

    def hear(self, seconds: float) -> list[object]:
        """Give what the player says for so long."""
        until = time.monotonic() + seconds
        heard: list[object] = []
        while (left := until - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                data = self.socket.recv(1 << 16)
                if not data:
                    break
                *whole, self.got = (self.got + data).split(b"\n")
                heard += [for_agent(text) for text in whole]
        return heard

    def kill(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self.socket.close()


def killed_for_real(folder: Path, kills: int, seed: int) -> dict[str, int]:
    """Kill so many players while they play; the last one is asked for all that is left to tell."""
    dice = random.Random(seed)
    settings = folder / "signage.yaml"
    settings.write_text(
        f"signage:\n  screen: bench\n  socket: {folder}/s\n  folder: {folder}/player\n  journal: {folder}/journal\n"
        "  log: error\n  display: {mode: headless, width: 640, height: 360}\n"
    )
    told: dict[str, Played] = {}
    wrong: Counter[str] = Counter()
    version, ends = "", []

    def take(life: Life, seconds: float) -> None:
        for message in life.hear(seconds):
            if isinstance(message, Played):
                if told.setdefault(message.play, message) != message:
                    wrong["doubled"] += 1
                if dice.random() < 0.7:
                    life.send(Noted(play=message.play))
            elif type(message).__name__ == "Hello" and version and not getattr(message, "playlist", ""):
                wrong["torn"] += 1

    for number in range(kills):
        life = Life(folder, settings)
        items = tuple(
            Scene(scene=f"i{number}-{n}", layout="notice", language="ja", title=f"{n}", hold_ms=500) for n in range(3)
        )
        life.send(Playlist(version=f"v{number}", items=items))
        for show in range(dice.randrange(1, 6)):
            now = time.monotonic_ns()
            scene = Scene(scene=f"s{number}-{show}", layout="notice", language="ja", title="さくらさん", hold_ms=5000)
            life.send(Show(scene=scene, cause="beacon", trigger_ns=now, decided_ns=now))
            take(life, dice.random() * 0.03)
        take(life, dice.random() * 0.06)
        life.kill()
        version = f"v{number}" if number else ""
        ends.append(len(_shown(folder / "journal")))
    life = Life(folder, settings)
    take(life, 1.0)
    os.kill(life.process, signal.SIGTERM)
    take(life, 1.0)
    os.waitpid(life.process, 0)
    shown = _shown(folder / "journal")
    # The very last frame before a kill may have come milliseconds before its row was on the disk.
    last = {shown[end - 1] for end in ends if end}
    lost = [play for play in shown if play not in told and play not in last]
    strangers = [play for play in told if play not in shown]
    return {
        "kills": kills,
        "shown": len(shown),
        "lost": len(lost),
        "doubled": wrong["doubled"] + len(shown) - len(set(shown)),
        "unshown": len(strangers),
        "torn": wrong["torn"],
        "cut_before_written": sum(play not in told for play in last),
    }


def _shown(journal: Path) -> list[str]:
    """The plays whose first frame was on the screen, but for the curtain's."""
    found = []
    for text in journal.read_bytes().splitlines() if journal.exists() else ():
        with suppress(ValueError):
            entry = json.loads(text)
            if entry["event"] == "shown" and entry["scene"] != "standing":
                found.append(str(entry["play"]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=10_000)
    parser.add_argument("--real", type=int, default=100)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="noren-", dir=memory if memory.is_dir() else None) as name:
        folder = Path(name)
        simulation = Simulation(folder, given.seed)
        began = time.monotonic()
        simulation.run(given.simulated)
        result: dict[str, object] = {
            "simulated_kills": simulation.kills,
            "simulated_wrong": sum(simulation.wrong.values()),
            "simulated_s": round(time.monotonic() - began, 1),
        }
        if simulation.wrong:
            result["simulated_why"] = dict(simulation.wrong)
    with tempfile.TemporaryDirectory(prefix="noren-") as name:
        began = time.monotonic()
        result["real"] = killed_for_real(Path(name), given.real, given.seed) if given.real else {}
        result["real_s"] = round(time.monotonic() - began, 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
