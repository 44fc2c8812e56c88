"""Tracking: what clients send, read once at the door."""
