"""The exact renderer: diffusion in integers, one digest on every machine."""
