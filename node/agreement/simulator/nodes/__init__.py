"""Simulated nodes: the machine, the real journal, and a driver that may die at every step."""
