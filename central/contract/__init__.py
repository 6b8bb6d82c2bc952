"""What central and the edge say to each other: records and pure rules, no I/O."""
