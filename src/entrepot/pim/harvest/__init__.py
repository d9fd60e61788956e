"""What was read from suppliers, manufacturers and the web, and what was found in it."""
