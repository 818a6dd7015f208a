"""Tells in words why an artwork looks as it does: facts from chain, journal and content; sentences from facts."""
