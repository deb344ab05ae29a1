"""The peers' side of a case: scripts that import nothing of neuromorph, so that any interpreter can run them.

A script reads one JSON object on standard input (the request that neuromorph_cli.benchmarks.compare makes), writes
the spikes of the measured stretch to the .npz file `spikes` (times in ms, cells counted through all populations), and
prints one JSON object on its last line.
"""
