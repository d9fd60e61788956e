"""Accounts: the marketplaces that are sold on, with their keys, and the carriers that ship."""
