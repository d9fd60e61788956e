"""Failures: the inbox of what needs a person, and the record of every call to an outside service."""
