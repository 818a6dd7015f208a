"""The protocol as a pure state machine: no clock, no sockets, no database."""
