"""Policies: rules that allow, deny and oblige, decided in memory, recorded, and explained."""
