"""Neuron models and learning rules as equations, turned into classes as models/ and learning/ describe them."""
