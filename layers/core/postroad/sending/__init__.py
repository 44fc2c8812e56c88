"""Sending: messages, the channels they travel on, and what decides whether and when one may leave."""
