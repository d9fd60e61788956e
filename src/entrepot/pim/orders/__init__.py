"""The mirror of a shop's orders and customers."""
