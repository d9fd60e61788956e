"""Every table of the program with its dictionary and, under the shop's own rules, its rows."""
