"""An id is what it says to its last byte: no line end may ride along into a topic, a file name or a log."""

from __future__ import annotations

import pytest

from central.contract import codec, member_code, topics
from central.contract.commands import Reply
from signage import contract as player


@pytest.mark.parametrize("tail", ["\n", " ", "/", "A", "é"])
def test_nothing_rides_along(tail: str) -> None:
    good = codec.encode(Reply(command="a-1", ok=True))
    assert codec.decode(good, Reply).command == "a-1"
    with pytest.raises(codec.Unreadable):
        codec.decode(codec.encode(Reply(command=f"a-1{tail}", ok=True)), Reply)
    with pytest.raises(player.Garbled):
        player.for_player(player.line(player.Clear(scene=f"a{tail}")))
    address = topics.of_agent("ginza", "pi", "up")
    assert topics.read(address) is not None
    assert topics.read(address.replace("/pi/", f"/pi{tail}/")) is None


def test_a_member_number_is_thirteen_digits_and_no_more() -> None:
    number = "290000000012" + member_code.check_digit("290000000012")
    assert member_code.number(number.encode()) == number
    assert member_code.number(number.encode() + b"\n") is None
