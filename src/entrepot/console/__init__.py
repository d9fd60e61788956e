"""The console: server-rendered pages over everything that the contexts offer."""
