"""Why a neuron fired, why it did not, and why a weight is what it is: from a trace, replaying only what is asked.

recording.py    a trace: its network, and the spikes of any cell, recorded or drawn again
afferents.py    the synapses onto one neuron
arrivals.py     what arrived there, and when
copies.py       many copies of the neuron at once, each with something left out or changed
synapses.py     a neuron with its plastic synapses, and what each hook did
spike.py, silence.py, weight.py, chain.py   the questions
"""
