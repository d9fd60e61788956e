"""Experiments and feature flags: who gets which variant, and what it did."""
