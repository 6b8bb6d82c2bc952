"""Says whether the screens did right by everyone: pure, from the truth of a scenario and the players' journals."""
