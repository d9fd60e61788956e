"""Conversations: threads, messages, replies that are sent once, automatic replies."""
