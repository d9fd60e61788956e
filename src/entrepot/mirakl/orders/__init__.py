"""Orders: taken in, accepted or refused, followed to their end."""
