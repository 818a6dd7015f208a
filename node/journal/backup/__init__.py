"""Copies of the journal: made while the node runs, kept before migrations, examined, and put back safely."""
