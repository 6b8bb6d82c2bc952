"""Drives the player's own loop through a simulated day at full speed, with a small screen, and looks at each frame."""

from __future__ import annotations

import gc
import random
import selectors
import socket
import statistics
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygame

from ground.programme.records import DayPart, Slot, Turn, When
from signage import storage
from signage.assets import Assets
from signage.bell import Bell
from signage.chimes import Chimes
from signage.config import DisplayConfig, Theme
from signage.contract import Noted, Played, Playlist, Scene, Show, for_agent, line
from signage.display import Display
from signage.films import Films
from signage.journal import Journal
from signage.likeness import Likeness
from signage.link import Link
from signage.mirror import Mirror
from signage.pictures import Pictures
from signage.player import Player
from signage.playlist import Programme
from signage.power import Power, Switch
from signage.proof import Proof
from signage.showing import Showing
from signage.stage import STANDING, Stage
from signage.text import Typesetter
from signage.wall import Wall

MIDNIGHT = datetime(2026, 11, 23, 15, tzinfo=UTC)
"""In Tokyo."""


class Day:
    """A player whose clock we move, and its agent."""

    def __init__(self, open_: ExitStack, folder: Path, size: tuple[int, int]) -> None:
        self.now = 0.0
        counts: Counter[str] = Counter()
        selector = open_.enter_context(selectors.DefaultSelector())
        bell = open_.enter_context(Bell(selector))
        link = open_.enter_context(Link(folder / "day.s", selector, counts))
        config = DisplayConfig(mode="headless", width=size[0], height=size[1])
        self.display = open_.enter_context(Display(config))
        typesetter = open_.enter_context(Typesetter(counts))
        assets = open_.enter_context(Assets(folder, counts))
        self.pictures = open_.enter_context(Pictures(assets, bell.ring, counts))
        films = open_.enter_context(Films(assets, counts))
        self.stage = Stage(self.display, self.pictures, typesetter, Theme(), counts, films)
        wall = Wall(0.0, lambda: MIDNIGHT.timestamp() + self.now)
        self.programme = Programme(STANDING, self.now, wall.at)
        proof = open_.enter_context(Proof(storage.opened(folder / "day.db", counts), bell.ring, counts))
        journal = open_.enter_context(Journal(None, "bench", counts))
        self.player = Player(
            screen="bench",
            display=self.display,
            stage=self.stage,
            programme=self.programme,
            selector=selector,
            link=link,
            proof=proof,
            showing=Showing(self.stage, self.programme, proof, journal, wall),
            assets=assets,
            mirror=open_.enter_context(Mirror(None, counts)),
            likeness=Likeness(self.pictures, typesetter, Theme(), counts, bell.ring),
            power=Power((), open_.enter_context(Switch(config, counts))),
            wall=wall,
            chimes=Chimes(0, counts),
            picture=folder / "day.png",
            counts=counts,
            clock=lambda: self.now,
        )
        self.player.begin(None)
        self.agent = open_.enter_context(socket.socket(socket.AF_UNIX))
        self.agent.connect(str(folder / "day.s"))
        self.agent.setblocking(False)
        self.got = b""
        self.plays = 0
        self.black = 0
        self.flipped = 0
        self.player.step(0)

    def send(self, *messages: Show | Playlist | Noted) -> None:
        self.agent.sendall(b"".join(map(line, messages)))
        self.step()

    def step(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.player.step(0)
        if self.display.flipped_ns != self.flipped:
            self.flipped = self.display.flipped_ns
            colour = pygame.transform.average_color(self.display.snapshot())
            self.black += max(colour[:3]) < 8

    def note(self) -> None:
        """Be told of the plays, as an agent is."""
        try:
            while data := self.agent.recv(1 << 16):
                *whole, self.got = (self.got + data).split(b"\n")
                for text in whole:
                    if isinstance(play := for_agent(text), Played):
                        self.plays += 1
                        self.agent.sendall(line(Noted(play=play.play)))
        except BlockingIOError:
            pass


def slot(
    campaign: str,
    *scenes: str,
    when: tuple[When, ...] = (),
    priority: int = 5,
    share: int | None = None,
    per_hour: int | None = None,
) -> Slot:
    turns = tuple(Turn(scene=name, seconds=8) for name in scenes)
    return Slot(campaign=campaign, turns=turns, when=when, priority=priority, share=share, per_hour=per_hour)


def lived(folder: Path, hours: float, scenes: list[Scene], interruption: Scene) -> dict[str, object]:
    """Live so many hours: a loop, shares, day-parts, withdrawals, people who come and go."""
    names = [scene.scene for scene in scenes]
    lunch = (When(parts=(DayPart(begins="11:00", ends="14:00"), DayPart(begins="22:00", ends="02:00"))),)
    slots = (
        slot("loop", *names[:4], priority=0),
        slot("sale", *names[4:6], share=30, per_hour=40),
        slot("lunch", *names[6:7], when=lunch, share=40),
    )
    dice, late, number, days = random.Random(3), 0, 0, 0
    memory: list[float] = []
    with ExitStack() as open_:
        day = Day(open_, folder, (640, 360))
        playlist = Playlist(version="v0", items=tuple(scenes), slots=slots)
        day.send(playlist)
        while day.now < hours * 3600:
            day.step(min(max(day.player.patience(), 0.05 if day.stage.fading else 0.001), 30.0))
            on = {turn.campaign for turn in day.programme.turns}
            local = MIDNIGHT + timedelta(seconds=day.now, hours=9)
            due = 11 <= local.hour < 14 or local.hour >= 22 or local.hour < 2
            late += "lunch" in on and not due
            chance = dice.random()
            if chance < 0.01:
                number += 1
                at = round(day.now * 1e9)
                show = replace(interruption, scene=f"p{number}", hold_ms=dice.randrange(1000, 20_000))
                day.send(Show(scene=show, cause="beacon", trigger_ns=at, decided_ns=at))
            elif chance < 0.02:
                number += 1
                there = tuple(each for each in slots if each.campaign == "loop" or dice.random() < 0.7)
                day.send(replace(playlist, version=f"v{number}", slots=there))
                on = {turn.campaign for turn in day.programme.turns if turn.show is None}
                late += not on <= {None, *(each.campaign for each in there)}
            day.note()
            if day.now > 3600 * (days + 1):
                days += 1
                gc.collect()
                memory.append(_resident())
    settled = memory[len(memory) // 8 :] or memory or [_resident()]
    growth = statistics.fmean(settled[-3:]) - statistics.fmean(settled[:3])
    return {
        "simulated_hours": hours,
        "day_size": "640x360",
        "day_plays": day.plays,
        "black_frames": day.black,
        "late_withdrawals": late,
        "growth_mb": round(max(0.0, growth), 1),
    }


def fades(folder: Path, scenes: list[Scene], size: tuple[int, int], many: int) -> dict[str, float]:
    """Milliseconds of each frame of so many crossfades, the first with all that begins a play."""
    times: list[float] = []
    with ExitStack() as open_:
        day = Day(open_, folder, size)
        day.send(Playlist(version="v0", items=tuple(scenes)))
        for _ in range(many):
            while day.player.patience() == 0:
                day.player.step(0)
                day.pictures.finish()
            day.now = day.programme.until
            began = time.perf_counter()
            day.player.step(0)
            times.append((time.perf_counter() - began) * 1000)
            while day.stage.fading:
                day.now += 1 / 60
                began = time.perf_counter()
                day.stage.step(day.now)
                times.append((time.perf_counter() - began) * 1000)
    settled = sorted(times)
    return {
        "p50": round(settled[len(settled) // 2], 2),
        "p99": round(settled[int(len(settled) * 0.99)], 2),
        "max": round(settled[-1], 2),
    }


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
