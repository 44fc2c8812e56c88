"""Experiments: who gets what by lot, and what the numbers say however often one looks at them."""
