"""A whole agent and its readers: which codes it believes, also after a restart, and what it says of readers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edge_certificates import Authority
from edge_pages import take
from signed_codes import Chain

from central.contract import signed_code
from central.contract.feeds import Codes
from edge.app import opened
from edge.config import Broker, EdgeConfig, Keyboard, Register, ScreenConfig, SimulatedCamera, TypedTo, Zone
from edge.enrolment import keep


def config(folder: Path, trust: str) -> EdgeConfig:
    """An enrolled agent with a camera of its own and a scanner that it shares."""
    folder.mkdir()
    papers = Authority().papers([Broker(host="127.0.0.1", port=1)])  # Nobody listens there.
    keep(folder, replace(papers, trust=papers.trust + trust))
    return EdgeConfig(
        folder=folder,
        zones=(Zone(zone="till"),),
        sensors=(
            SimulatedCamera(kind="simulated-camera", name="cam", zone="till", scenario=folder / "none"),
            Keyboard(kind="keyboard", name="gun", zone="till", device=folder / "none", shared=True),
        ),
        screens=(ScreenConfig(screen="s", socket=folder / "s", zones=("till",), use="till"),),
        register=Register(socket=folder / "r", passes=TypedTo(kind="keyboard")),
    )


async def test_an_agent_believes_the_keys_that_central_sends_and_no_others_also_after_a_restart(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "keys")
    code = signed_code.read(chain.code())
    assert code is not None
    settings = config(tmp_path / "edge", chain.trust)
    async with opened(settings) as app:
        assert not app.keyring.knows
        await take(app.replica, "codes", {"codes": chain.row()}, scope="chain")
        app._changed("codes", frozenset({"codes"}))
        assert app.keyring.verify(code)
        false = Codes(cards=(), keys=Chain(tmp_path / "other").row().keys)
        await take(app.replica, "codes", {"codes": false}, scope="chain")
        app._changed("codes", frozenset({"codes"}))
        assert app.keyring.verify(code)
        assert not app.replays.used(code, "cam")
    async with opened(settings) as app:
        assert app.keyring.verify(code)
        assert app.replays.used(code, "another")
        assert any(topic.endswith("/told") for topic in app.mqtt.subscriptions)
        await take(app.replica, "codes", {"codes": None}, scope="chain")
        app._changed("codes", frozenset({"codes"}))
        assert not app.keyring.knows


async def test_an_agent_says_which_reader_is_in_trouble_and_whether_any_is_left(tmp_path: Path) -> None:
    async with opened(config(tmp_path / "edge", "")) as app:
        assert app.floor._silent() == []
        app.supervisor.troubles["cam"] = "There is no camera."
        assert "cam: There is no camera." in app._troubles()
        assert app.floor._silent() == []
        assert app.till is not None
        app.till._missing = True
        assert app.floor._silent() == ["till"]
        assert [said for said in app._troubles() if "register" in said]
        app.supervisor.troubles.clear()
        assert app.floor._silent() == []
