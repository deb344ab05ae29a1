"""Small networks for the oracle and for whoever is compared with it; in SCENARIOS each rule of order shows."""

from __future__ import annotations

from oracle import MODELS, simulate

BIG = 2.0**60


def net(resolution="exact", duration=20.0, cells=("lif_delta", {}), size=1, spikes=(), links=(), **more):
    """Population "c" driven by the four cells of input "i"; a link is (source, target, weight, delay), or a dict."""
    model, params = cells
    receptor = next(iter(MODELS[model].receptors))
    projections = {}
    for n, link in enumerate(links):
        d = {"ends": link} if isinstance(link, tuple) else dict(link)
        i, j, w, delay = d.pop("ends")
        projections[f"p{n}"] = {"source": "i", "target": "c", "receptor": receptor, "sources": [i], "targets": [j],
                                "weights": [w], "delays": [delay], **d}  # fmt: skip
    return {
        "resolution": resolution, "duration": duration, "seed": 7, "projections": projections,
        "populations": {"c": {"model": model, "size": size, "params": params, "initial": more.pop("initial", {})}},
        "inputs": {"i": {"size": 4, "spikes": list(spikes), **more.pop("inputs", {})}}, **more,
    }  # fmt: skip


def learns(rule, params=None, weight=1.0, delay=1, **options):
    """A plastic link from input 0 to cell 0."""
    return {"ends": (0, 0, weight, delay), "plasticity": {"rule": rule, "params": params or {}, **options}}


def weight(network):
    return simulate(network)["weights"]["p0"][0]


class Order:
    """Its three hooks do not commute."""

    on_pre = staticmethod(lambda w, pre, post, syn: w + 1)
    on_post = staticmethod(lambda w, pre, post, syn: 2 * w)
    on_signal = staticmethod(lambda w, pre, post, syn, value: w * w + value)


DRIVE = (3, 0, 20.0, 1)  # makes cell 0 fire a tick after input 3


def paired(pre, post, link, resolution=1.0, duration=40.0, **more):
    """Input 0 at `pre`, cell 0 at `post` (its own synapses too weak to matter), ms."""
    spikes = [(float(t), 0, n) for t, n in pre] + [(float(t) - 1.0, 3, 1) for t in post]
    return net(resolution, duration, ("lif_delta", {"t_ref": 1.0}), 1, spikes, [link, DRIVE], **more)


PHASES = [
    {"ends": (0, 0, 1.0, d), "receptor": r} for r, d in (("start", 1), ("release", 3), ("latch", 5), ("nudge", 7))
]
CHARGES = [{"ends": (1, 0, 0.5, 1), "receptor": "basal"}, {"ends": (2, 0, 0.0625, 1), "receptor": "apical"}]


SIGNAL = {"signals": {"s": {"times": [2.0], "values": [3.0], "delay": 1.0}}}
TWO = {"signals": {n: {"times": [2.0], "values": [v], "delay": 1.0} for n, v in (("a", 3.0), ("b", 1.0))}}
ONE = [(0, 0, 15.0, 1)]
LOSES = [(0, 0, BIG, 2), (1, 0, -BIG, 2)]  # a number added between these is lost, one added after them is not
SCENARIOS = {
    "on_post_first": paired([(3, 1)], [2], learns(Order())),
    "on_signal_last": paired([(3, 1)], [], learns(Order(), signals=["s"]), **SIGNAL),
    "traces_strictly_earlier": paired([(3, 1)], [2], learns("pair_stdp")),
    "delay_dendritic": paired([(3, 1)], [4], learns("pair_stdp", delay=2)),
    "weight_after_on_pre": paired([(3, 1)], [], learns(Order())),
    "round_after_every_hook": paired([(3, 1)], [4], learns("pair_stdp")),
    "clip_after_every_hook": paired([(3, 1)], [], learns(Order(), w_max=1.5)),
    "signals_by_name": paired([], [], learns(Order(), signals=["b", "a"]), **TWO),
    "sum_before_test": net(1.0, spikes=[(1, 0, 1), (1, 1, 1)], links=[(0, 0, 20.0, 1), (1, 0, -20.0, 1)]),
    "sums_in_order": net(1.0, 3.0, spikes=[(1, n, 1) for n in range(3)], links=[*LOSES, (2, 0, 1.0, 2)]),
    "plastic_first": net(1.0, 3.0, spikes=[(1, n, 1) for n in range(3)],
                         links=[{**learns("pair_stdp"), "ends": (2, 0, 1.0, 2)}, *LOSES]),
    "emission_first": net(1.0, 5.0, spikes=[(1, 2, 1), (2, 0, 1), (2, 1, 1)], links=[(2, 0, 1.0, 3), *LOSES]),
    "propagate_first": net(1.0, 3.0, spikes=[(1, 0, 1)], links=[(0, 0, 1.0, 1)]),
    "end_of_refractoriness_counts": net(1.0, spikes=[(1, 0, 1), (3, 0, 1)], links=ONE),
    "delta_discarded": net(1.0, spikes=[(1, 0, 1), (2, 0, 1)], links=ONE),
    "currents_integrate": net(1.0, cells=("lif_exp", {"t_ref": 5.0}), initial={"I_ex": 9e3}, spikes=[(2, 0, 1)],
                              links=ONE),
    "threshold_reached_fires": net(1.0, spikes=[(1, 0, 1)], links=ONE),
    "record_after_reset": net(1.0, spikes=[(1, 0, 1)], links=[(0, 0, 20.0, 1)], probes=[2]),
    "record_last": net(1.0, spikes=[(1, 0, 1)], links=[(0, 0, 1.0, 1)], probes=[2]),
    "spikes_by_id": net(1.0, size=2, spikes=[(1, 0, 1)], links=[*ONE, (0, 1, 15.0, 1)]),
    "duration_included": net(1.0, 4.0, spikes=[(3, 0, 1)], links=ONE),
    "rhythmic_in_order": net(1.0, cells=("rhythmic", {}), spikes=[(1, 0, 1)], links=[
        {"ends": (0, 0, 1.0, 1), "receptor": r} for r in ("start", "basal", "release")]),
}  # fmt: skip
