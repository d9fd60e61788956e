"""Shipping: parcels, labels bought once, tracking reported and followed."""
