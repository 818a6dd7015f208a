"""What stands on a chain for one network of nodes: the file that says so, and the check that it is true."""
