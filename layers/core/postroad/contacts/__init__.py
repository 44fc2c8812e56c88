"""Contacts: who somebody is, what is known and pending about them, and how that is stored, joined and found."""
