"""The mirror of a shop's products, variants and collections."""
