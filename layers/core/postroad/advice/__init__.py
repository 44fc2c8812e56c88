"""Advice: when to write to a person and by which channel, learned from what people did and shrunk towards what holds of
everybody; always with what it rests on and how sure it is."""
