"""Measurements of the product, each module one kind of figure."""
