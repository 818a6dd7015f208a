"""`python -m node.cli`: the same program as `patina`."""

from node.cli import main

main()
