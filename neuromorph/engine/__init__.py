"""The run loop and everything that changes while a network runs."""
