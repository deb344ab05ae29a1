"""Neuron models and learning rules written as equations, turned into the classes that models/ and learning/ describe."""
