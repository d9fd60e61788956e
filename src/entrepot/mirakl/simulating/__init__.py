"""Simulating: many orders, services that misbehave, workers that are killed, and what must hold all the same."""
