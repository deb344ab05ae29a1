"""All that changes in a run, as arrays by name: what a checkpoint holds (engine/resume.py).

Arrays are those of the whole network, whatever the number of parts it runs in: cells by index, synapses by ordinal,
spikes in flight by source, so that a run may go on with another number of threads.
"""
