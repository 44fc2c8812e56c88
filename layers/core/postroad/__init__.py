"""Postroad's pure core: what a contact is, and how everything that happens is folded into one."""
