"""One spike spreads over a ring, a small world and a random graph of 200 neurons: `python examples/small_world.py`.

Watts & Strogatz 1998, doi:10.1038/30918: a few rewired edges of a ring make its paths short, while its neighbourhoods
stay nearly as clustered as they were. Here one spike makes the next neuron fire: a wave takes the shortest paths.
"""

import networkx as nx

from neuromorph import Simulation


def spread(rewired: float) -> tuple[nx.Graph, float, int]:
    """The graph, the time (ms) at which the last of its neurons fires, and how many do."""
    graph = nx.connected_watts_strogatz_graph(200, 6, rewired, seed=1)
    nx.set_node_attributes(graph, "lif_exp", "model")
    nx.set_node_attributes(graph, 100.0, "t_ref")  # ms: the wave passes once
    nx.set_edge_attributes(graph, 4000.0, "weight")  # pA
    nx.set_edge_attributes(graph, 1.5, "delay")  # ms

    network = graph.to_directed()  # synapses both ways
    network.add_node("kick", model="spike_train", params={"times": [1.0]})
    network.add_edge("kick", 0, weight=4000.0, delay=1.5)

    simulation = Simulation(network, resolution="exact")
    simulation.run(100.0)
    times, neurons = simulation.spikes("lif_exp")
    return graph, times.max(), len(set(neurons))


if __name__ == "__main__":
    print("rewired  clustering  mean path  neurons reached  after ms")
    for rewired in (0.0, 0.01, 0.05, 0.2, 1.0):
        graph, last, reached = spread(rewired)
        clustering, path = nx.average_clustering(graph), nx.average_shortest_path_length(graph)
        print(f"{rewired:7.2f}{clustering:12.2f}{path:11.1f}{reached:17d}{last:10.1f}")
