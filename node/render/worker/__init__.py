"""The render worker process, and what it says to the node that started it: `python -m node.render.worker`."""
