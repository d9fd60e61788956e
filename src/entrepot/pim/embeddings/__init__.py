"""Vectors of the golden catalog and of the shops' products."""
