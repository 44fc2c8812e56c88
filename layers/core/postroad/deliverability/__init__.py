"""Deliverability: whether mail arrives, what becomes of it there, and what holds it back in time."""
