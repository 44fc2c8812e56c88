"""Consent: what may go to whom, what people say about that, and their right to be forgotten."""
