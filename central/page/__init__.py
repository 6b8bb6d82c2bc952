"""The store page: what a person watches and presses while the demo runs, in a process of its own."""
