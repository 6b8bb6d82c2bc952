"""Where central keeps everything: SQLite by default, PostgreSQL when that is outgrown."""
