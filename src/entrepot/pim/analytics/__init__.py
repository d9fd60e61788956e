"""Figures of shops and products by period."""
