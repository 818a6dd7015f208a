"""Recipes of any diffusers pipeline: drawn in floats, agreed upon within a stated distance."""
