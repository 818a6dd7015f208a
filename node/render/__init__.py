"""Artworks as a pure function of model, recipe, seed, band and signals."""
