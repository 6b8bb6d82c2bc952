"""The player: draws scenes on one screen and proves what was played; it knows nothing about customers."""
