"""How web pages are read, and what outside services cost."""
