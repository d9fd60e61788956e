"""A marketplace of one or more platforms: its rules, offers, orders and ledger."""
