"""Shops, their staff and how both sign in, and the settings of the installation."""
