"""Prometheus metrics: what a node counts and measures, read when it is asked for."""
