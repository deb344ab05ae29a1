"""Neuron models and inputs, and the contract that they keep."""
