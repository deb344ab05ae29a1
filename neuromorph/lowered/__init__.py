"""Descriptions made into flat immutable arrays."""
