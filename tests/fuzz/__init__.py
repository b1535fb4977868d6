"""Frames that nobody should send, by grammar and by mutation, against a live hub."""
