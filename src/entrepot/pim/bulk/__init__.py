"""Bulk runs with their steps, files and errors, and the staging tables that they load into."""
