"""Plays a shop: starts central, agents and players as processes, lets a scenario walk through them, and judges it."""

from central.demo.stage import command, main

__all__ = ["command", "main"]
