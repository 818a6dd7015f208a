"""`python -m node.render.worker`: one worker, for the pool that starts it."""

from node.render.worker.program import main

if __name__ == "__main__":
    main()
