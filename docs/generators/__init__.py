"""One module a generated page; each has `render`, which returns Markdown."""
