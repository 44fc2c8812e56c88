"""Postroad's shell: everything that touches AWS."""

import gc

# A cold start makes some 80,000 objects, twice as many with a large book, and no garbage: to look for some costs it a
# tenth of its time.
gc.set_threshold(200_000, 20, 20)
