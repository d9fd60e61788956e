"""The HTTP application: the contexts' routes under /api/v1, and the console beside them."""
