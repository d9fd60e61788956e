"""The program's own events become facts of the warehouse, each once."""
