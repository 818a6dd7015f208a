"""The embedded chain's JSON-RPC: the server, its table of methods, and what each of them reads and answers."""
