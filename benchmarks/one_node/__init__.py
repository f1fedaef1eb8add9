"""One node that a partner asks: founding, serving, load, and what came of it."""
