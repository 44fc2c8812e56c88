"""How sure advice is, in the words of all its answers."""

NONE, LOW, MEDIUM, HIGH = "none", "low", "medium", "high"
