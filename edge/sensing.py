"""Chooses the adapter of each sensor: the one place that asks whether it is real or simulated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge.config import Ble, Camera, Keyboard, Recorded, SensorConfig, Serial, SimulatedCamera, SimulatedRadio
from edge.ports import Sensor


def of(configs: Iterable[SensorConfig], store: str) -> Iterator[Sensor]:
    """The store's sensors; the simulated ones play what a scenario has for it.

    A scanner that is shared with the register is none: the process before the register reads it, whoever of us runs.
    """
    return (
        _sensor(config, store) for config in configs if not (isinstance(config, Keyboard | Serial) and config.shared)
    )


def _sensor(config: SensorConfig, store: str) -> Sensor:
    # Each adapter brings its own library: only what is configured is loaded.
    match config:
        case Ble():
            from edge.sensors import ble

            return ble.Radio(config.name, config.zone, config.adapter)
        case Camera():
            from edge.sensors import camera, capture

            device = capture.Capture(config)
            return camera.Camera(config.name, config.zone, device.frames, said=lambda: device.trouble)
        case Keyboard():
            from edge.sensors import keyboard

            return keyboard.Keyboard(config.name, config.zone, config.device, config.layout)
        case Serial():
            from edge.sensors import wired

            return wired.Wired(config.name, config.zone, config.device, config.baud)
        case SimulatedRadio():
            from edge.sensors import simulated

            return simulated.SimulatedRadio(
                config.name, config.zone, store=store, scenario=config.scenario, start=config.start, live=config.live
            )
        case SimulatedCamera():
            from edge.sensors import camera, simulated

            frames = simulated.frames(
                config.name,
                store=store,
                scenario=config.scenario,
                start=config.start,
                live=config.live,
                rate=config.frames_per_second,
            )
            return camera.Camera(config.name, config.zone, frames)
        case Recorded():
            from edge.sensors import recorded

            return recorded.Recorded(config.name, config.zone, config.file, speed=config.speed)
