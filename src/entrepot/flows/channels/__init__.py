"""Channels: what golden records are called where they are sold."""
