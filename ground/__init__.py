"""What all three processes stand on: reading settings, writing logs, opening SQLite, ending with a sentence."""

VERSION = "0.1.0"
