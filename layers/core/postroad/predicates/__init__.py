"""Predicates: the one language in which segments, branches, triggers, goals and scores ask about a contact."""
