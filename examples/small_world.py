"""A networkx small-world graph of single neurons, run as it is.

Watts & Strogatz 1998, doi:10.1038/30918. `python examples/small_world.py`
"""

import networkx as nx

from neuromorph import Simulation

graph = nx.watts_strogatz_graph(200, 10, 0.1, seed=1).to_directed()
nx.set_node_attributes(graph, "lif_exp", "model")
nx.set_edge_attributes(graph, 250.0, "weight")  # pA
nx.set_edge_attributes(graph, 1.5, "delay")  # ms
for node in range(0, 200, 10):
    graph.nodes[node]["I_e"] = 450.0  # pA: one neuron in ten fires by itself

simulation = Simulation(graph, resolution="exact", seed=1)
simulation.run(500.0)
times, indices = simulation.spikes("lif_exp")
print(f"{times.size} spikes of {len(set(indices))} neurons in {simulation.time:g} ms")
