"""Postroad's shell: everything that touches AWS."""

import gc

# A cold start makes thousands of objects and no garbage; looking for some at every 700th costs it a tenth of its time.
gc.set_threshold(50_000, 20, 20)
