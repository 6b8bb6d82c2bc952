"""The agent in a store: hears, reads, decides what screens show, and reports to central."""
