"""What the registry of entities is for: what an id is, what came to be when, how many there are, what became of each."""
