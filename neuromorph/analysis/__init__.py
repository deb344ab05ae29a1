"""What a trace says, in numbers: plain functions of arrays, and accumulators of the same measures that take blocks.

spikes, intervals, counts, correlation, spectrum, bursts, selectivity: of spikes. triggered, weights, learning: of what
else was recorded. distances: between trains and distributions. account, recorded, whole: everything about a trace;
table: a row for each population; compare, apart, beside: two traces; pairs: two populations or neurons.
"""
