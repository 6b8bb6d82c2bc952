"""Plain HTML elements for NiceGUI, changed only where something is different, and buttons that wait for an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

from central.page.contract import Order

Ask = Callable[[Order], Awaitable[bool]]
"""Gives an order to the demo and tells the viewer where it is refused; whether it was done."""


class Tag(TextElement):
    """An element of HTML with its text and attributes."""

    def __init__(self, name: str, text: str = "", classes: str = "", **attributes: object) -> None:
        super().__init__(tag=name, text=text)
        if classes:
            self.classes(classes)
        put(self, **attributes)


def put(element: Element, **attributes: object) -> None:
    """Set attributes (`aria_label` is aria-label; None takes one away), in one message and only where they differ."""
    wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
    if all(element.props.get(name) == value for name, value in wanted.items()):
        return
    with element.props.suspend_updates():
        for name, value in wanted.items():
            element.props.set_optional(name, value)
    element.update()


class Button:
    """A button that gives an order: out of use until it is answered, or as long as `allow` says so."""

    def __init__(
        self, text: str, make: Callable[[], Order | None], ask: Ask, *, mark: str, classes: str = "button"
    ) -> None:
        self.element = Tag("button", text, classes, type="button", data_button=mark)
        self.element.on("click", self._press, args=[])
        self._make = make
        self._ask = ask
        self._pending = False
        self._allowed = True
        self._why = ""

    def allow(self, allowed: bool, why: str = "") -> None:
        self._allowed, self._why = allowed, why
        self._show()

    async def _press(self) -> None:
        order = self._make()
        if self._pending or order is None:
            return
        self._pending = True
        self._show()
        try:
            await self._ask(order)
        finally:
            self._pending = False
            self._show()

    def _show(self) -> None:
        if self.element.client.is_deleted:
            return
        put(
            self.element,
            disabled=None if self._allowed and not self._pending else True,
            aria_busy="true" if self._pending else None,
            title=self._why or None,
        )
