"""The central service: one customer out of every channel, and what each store needs of it."""
