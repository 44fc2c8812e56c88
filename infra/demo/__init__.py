"""The demo brand: a small coffee shop with three live journeys."""
