"""The simulated world: pure functions from a seed to people, shops and everything that happens between them."""
