"""Postroad's shell: everything that touches AWS."""
