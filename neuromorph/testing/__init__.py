"""Tools for those who write rules and models."""
