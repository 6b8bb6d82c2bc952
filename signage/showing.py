"""Brings the programme's turns on the stage, and keeps for each play what it was, from its first frame to its last."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from signage.contract import Ended, Played, Scene
from signage.journal import Journal
from signage.playlist import Programme
from signage.proof import Proof
from signage.stage import Shown, Stage
from signage.turns import COVER, Turn
from signage.wall import Wall


@dataclass(slots=True)
class _Open:
    """A turn that is on the screen, and its play if it is one."""

    turn: Turn
    play: Played | None
    late: int = 0


class Showing:
    """Belongs to the thread of the frame loop; times are seconds of CLOCK_MONOTONIC."""

    def __init__(self, stage: Stage, programme: Programme, proof: Proof, journal: Journal, wall: Wall) -> None:
        self._stage = stage
        self._programme = programme
        self._proof = proof
        self._journal = journal
        self._wall = wall
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self._open: dict[int, _Open] = {}
        """What is on the screen, by the numbers of the turns."""
        self._lying: dict[str, tuple[Scene, Shown]] = {}
        """What each part was brought last; it lies under what covers it."""
        self._covered = False
        self._dark = False

    @property
    def scenes(self) -> list[tuple[str, Scene, bool]]:
        """Give the parts of what is on the screen: region (or COVER), scene, and whether it is an interruption."""
        turns = [open_.turn for open_ in self._open.values()]
        return [(turn.region, turn.scene, turn.show is not None) for turn in turns]

    def arranged(self) -> None:
        """The screen was divided anew: nothing lies where it lay."""
        self._lying.clear()

    def put_on(self, now: float) -> bool:
        """Bring on what is not there; the flip comes before all records. Tell whether anything changed."""
        turns = self._programme.turns
        why = dict(self._programme.ended())
        if [turn.number for turn in turns] == list(self._open) and self._programme.resting == self._dark:
            return False
        gone = {number: self._open[number] for number in self._open.keys() - {turn.number for turn in turns}}
        fresh = [turn for turn in turns if turn.number not in self._open]
        over = {open_.turn.region for number, open_ in gone.items() if why[number] == "over" and not open_.turn.show}
        why |= {
            number: "broken"
            for number in gone
            if why[number] == "over" and self._stage.broken(gone[number].turn.region or "main")
        }
        shown = self._brought(turns, fresh, over, now)
        self._count_late()
        at_ns = max((each.at_ns for each in shown), default=0) or time.monotonic_ns()
        ended = [self._ended(open_, at_ns, why[number]) for number, open_ in gone.items()]
        opened = {turn.number: self._begun(turn, each, now) for turn, each in zip(fresh, shown, strict=True)}
        self._open = {turn.number: self._open.get(turn.number) or opened[turn.number] for turn in turns}
        # After the beginnings of the next: once a play is told, what came after it is on the disk, whatever kills us.
        for play in ended:
            if play is not None:
                self._proof.end(play)
        return True

    def finish(self) -> None:
        """End every play: the player stops."""
        self._count_late()
        at_ns = time.monotonic_ns()
        for open_ in self._open.values():
            play = self._ended(open_, at_ns, "stopped")
            if play is not None:
                self._proof.end(play)
        self._open = {}

    def _brought(self, turns: Sequence[Turn], fresh: Iterable[Turn], over: set[str], now: float) -> list[Shown]:
        if self._programme.resting:
            self._stage.blank()
            self._dark = True
            return []
        if self._dark:
            self._stage.unblank()
            self._dark = False
        if turns and turns[0].region == COVER:
            self._covered = True
            return [self._stage.cover(turn.scene, now) for turn in fresh]
        for region in self._programme.idle:
            self._stage.empty(region)
            self._lying.pop(region, None)
        if not self._covered:
            return [self._part(turn, now, fades=turn.region in over) for turn in fresh]
        # First what lies under the cover is made right, then the cover goes: nothing old is seen for a moment.
        shown = [self._under(turn, now) for turn in fresh]
        self._covered = False
        flipped = self._stage.uncover(now)
        return [replace(each, at_ns=flipped.at_ns) for each in shown] if flipped is not None else shown

    def _part(self, turn: Turn, now: float, *, fades: bool) -> Shown:
        bring = self._stage.fade if fades else self._stage.cut
        shown = bring(turn.scene, now, turn.region)
        self._lying[turn.region] = turn.scene, shown
        return shown

    def _under(self, turn: Turn, now: float) -> Shown:
        lying = self._lying.get(turn.region)
        if lying is not None and lying[0] == turn.scene:
            return lying[1]
        return self._part(turn, now, fades=False)

    def _count_late(self) -> None:
        late = self._stage.late()
        for open_ in self._open.values():
            open_.late += late

    def _begun(self, turn: Turn, shown: Shown, now: float) -> _Open:
        if not shown.drawn:
            return _Open(turn, None)
        scene, show = turn.scene, turn.show
        titles = tuple(item.title for item in scene.items)
        play = Played(
            play=uuid4().hex,
            scene=scene.scene,
            layout=scene.layout,
            cause=turn.cause,
            items=tuple(item.id for item in scene.items),
            trigger_ns=show.trigger_ns if show else 0,
            decided_ns=show.decided_ns if show else 0,
            first_frame_ns=shown.at_ns,
            wall=self._wall.seconds(now),
            boot=self._boot,
            content=scene.content,
            campaign=scene.campaign or turn.campaign,
            names=(scene.title, *titles) if turn.cause in ("schedule", "override") else titles,
            region=turn.region if turn.region != COVER else "main",
            carry=show.carry if show else {},
        )
        self._journal.shown(play, shown.texts, turn.hold_ms)
        if turn.content:
            self._proof.begin(play, again=turn.again)
        return _Open(turn, play)

    def _ended(self, open_: _Open, at_ns: int, why: Ended) -> Played | None:
        """Close the play; give it if it is to be told."""
        if open_.play is None:
            return None
        play = replace(open_.play, ended_ns=max(at_ns, open_.play.first_frame_ns), ended=why, late=open_.late)
        self._journal.ended(play)
        return play if open_.turn.content else None
