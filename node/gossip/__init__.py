"""Signed messages between nodes over MQTT."""
