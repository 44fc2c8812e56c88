"""Broadcasts: one message, sent once, to everybody in a segment."""
