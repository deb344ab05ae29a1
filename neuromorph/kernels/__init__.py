"""Compiled code only: arrays in, arrays out."""
