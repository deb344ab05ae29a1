"""Random small networks of three kinds: real-valued, dyadic (ties are meant), and layered ones that learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromorph import Network

EXACT = ("lif_delta", "lif_exp", "lif_alpha")
GRID = (*EXACT, "lif_cond_exp", "izhikevich", "adex")
#: receptor -> weight that matters, for excitation and inhibition
STRENGTH = {
    "lif_delta": (("delta", 4.0), ("delta", -3.0)),
    "lif_exp": (("excitatory", 900.0), ("inhibitory", -500.0)),
    "lif_alpha": (("excitatory", 500.0), ("inhibitory", -300.0)),
    "lif_cond_exp": (("excitatory", 60.0), ("inhibitory", 30.0)),
    "izhikevich": (("delta", 8.0), ("delta", -4.0)),
    "adex": (("excitatory", 900.0), ("inhibitory", -400.0)),
}


def network(number: int, resolution: str | float) -> Network:
    """Network `number` of the series for a resolution."""
    random = np.random.default_rng([number, resolution == "exact"])
    kind = number % 4
    if kind == 3:
        return layered(random)
    return point(random, resolution, dyadic=kind == 2)


def point(random: Any, resolution: str | float, dyadic: bool) -> Network:
    """One to three populations of point neurons under Poisson and given spikes, static and plastic projections."""
    net = Network("random")
    models = ("lif_delta",) if dyadic else (EXACT if resolution == "exact" else GRID)
    cells = {}
    for k in range(random.integers(1, 4)):
        model = str(random.choice(models))
        size = int(random.choice([0, 1, 2, 4, 5, 6], p=[0.05, 0.05, 0.1, 0.2, 0.3, 0.3]))
        cells[f"n{k}"] = (model, size)
        net.add_population(f"n{k}", model, size, _params(random, model, size, dyadic), _initial(random, model, dyadic))
    _inputs(net, random, cells, dyadic)
    names = list(cells)
    for number in range(random.integers(2, 6)):
        source, target = random.choice(names), random.choice(names)
        _projection(net, random, source, target, cells, dyadic, number)
    if not dyadic and random.random() < 0.4:
        _current(net, random, cells)
    return net


def _step(random: Any, low: float, high: float, dyadic: bool, unit: float = 0.125) -> float:
    return float(random.integers(round(low / unit), round(high / unit) + 1) * unit) if dyadic else float(
        random.uniform(low, high)
    )


def _params(random: Any, model: str, size: int, dyadic: bool) -> dict[str, Any]:
    if model == "izhikevich":
        return {"I_e": float(random.uniform(0.0, 8.0))}
    params: dict[str, Any] = {"t_ref": _step(random, 0.0, 3.0, dyadic)}
    if model == "adex":
        return params | {"I_e": float(random.uniform(0.0, 900.0))}
    if model == "lif_cond_exp":
        return params | {"I_e": float(random.uniform(0.0, 300.0)), "tau_syn_ex": 1.5}
    if dyadic:
        return params | {"E_L": 0.0, "V_reset": 0.0, "V_th": 8.0, "tau_m": 16.0}
    params["tau_m"] = (random.uniform(5.0, 20.0, size)).tolist() if random.random() < 0.5 else 12.0
    params["I_e"] = float(random.choice([0.0, 300.0, 500.0]))
    if model != "lif_delta":
        same = random.random() < 0.3 and not isinstance(params["tau_m"], list)
        params["tau_syn_ex"] = params["tau_m"] if same else float(random.uniform(0.5, 4.0))
        params["tau_syn_in"] = float(random.uniform(0.5, 4.0))
    return params


def _initial(random: Any, model: str, dyadic: bool) -> dict[str, Any]:
    if model == "izhikevich" or dyadic:
        return {}
    return {"V_m": {"distribution": "uniform", "low": -70.0, "high": -56.0}}


def _inputs(net: Network, random: Any, cells: dict[str, Any], dyadic: bool) -> None:
    for name, (model, size) in cells.items():
        receptor, strength = STRENGTH[model][0]
        if dyadic:
            n = 160
            times = random.integers(1, 480, n) * 0.25
            net.add_input(f"in_{name}", "spike_train", 4, {"times": times, "indices": random.integers(0, 4, n)})
            weight: Any = _step(random, 2.0, 6.0, True)
        else:
            rates = {"rates": [300.0, 900.0], "times": [0.0, 50.0]} if random.random() < 0.3 else {"rate": 500.0}
            net.add_input(f"in_{name}", "poisson", 4, rates)
            weight = float(strength * random.uniform(0.8, 1.6))
        delay = _step(random, 0.5, 2.0, dyadic)
        net.connect(
            f"in_{name}", name, "bernoulli", weight=weight, delay=delay, receptor=receptor, probability=0.7,
            name=f"drive_{name}",
        )  # fmt: skip


def _projection(
    net: Network, random: Any, source: str, target: str, cells: dict[str, Any], dyadic: bool, number: int
) -> None:
    model, n_target = cells[target]
    n_source = cells[source][1]
    receptor, strength = STRENGTH[model][int(random.random() < 0.35)]
    n = int(random.integers(0, 14)) if n_source and n_target else 0
    pairs = {"sources": random.integers(0, max(n_source, 1), n), "targets": random.integers(0, max(n_target, 1), n)}
    if dyadic:
        weight: Any = np.array([_step(random, 0.0, 4.0, True) for _ in range(n)]) * (1 if strength > 0 else -1)
        delay: Any = np.array([_step(random, 0.5, 3.0, True, 0.25) for _ in range(n)])
    else:
        weight = strength * random.uniform(0.0, 1.0, n) * (random.random(n) > 0.1)
        delay = random.uniform(0.5, 4.0, n) if random.random() < 0.6 else float(random.uniform(0.5, 3.0))
    plasticity = _plasticity(random, net, strength) if random.random() < 0.5 else None
    net.connect(
        source, target, "explicit", weight=weight, delay=delay, receptor=receptor, plasticity=plasticity,
        name=f"p{number}", **pairs,
    )  # fmt: skip


def _plasticity(random: Any, net: Network, strength: float) -> dict[str, Any]:
    size = abs(strength)
    bounds = {"w_min": 0.0, "w_max": 1.5 * size} if strength > 0 else {"w_min": -1.5 * size, "w_max": 0.0}
    if random.random() < 0.5:
        params = {"a_plus": 0.05 * size, "a_minus": 0.06 * size, "tau_plus": 12.0}
        return {"rule": "pair_stdp", "params": params, **bounds}
    return {"rule": "stdp_derivative", "params": {"eta": 0.3 * size, "tau_fast": 5.0, "tau_slow": 30.0}, **bounds}


def _current(net: Network, random: Any, cells: dict[str, Any]) -> None:
    name = str(random.choice(list(cells)))
    if cells[name][0] == "izhikevich" or not cells[name][1]:
        return
    net.add_input("dc", "dc_current", 1, {"times": [0.0, 20.0, 60.0], "amplitudes": [100.0, 250.0, -50.0]})
    net.connect("dc", name, "all_to_all", weight=float(random.uniform(0.5, 2.0)))


def layered(random: Any) -> Network:
    """A small network of rhythmic cells with every rule of section 5, over some cycles."""
    from neuromorph.tasks import layered as build
    from neuromorph.tasks.images import Images
    from neuromorph.tasks.settings import Settings

    n, pixels = 12, 6
    images = Images(
        "random", random.integers(0, 17, (n, pixels)).astype(np.uint8), random.integers(0, 10, n),
        np.zeros((0, pixels), np.uint8), np.zeros(0, np.int64), 16.0,
    )  # fmt: skip
    kind = str(random.choice(["fixed", "wake", "mirror", "transpose"]))
    settings = Settings(
        top_down=kind, hidden=(5, 4), kappa_in=4.0, kappa=4.0, eta=0.004, eta_readout=0.002, eta_top_down=0.01,
        eta_top_readout=0.002, spread=1.5, top_down_std=0.3, top_readout_std=0.3, gamma=0.2, gamma_top=0.2,
        tau_mean=5.0, kappa_readout=8.0,
        seed=int(random.integers(1000)),
    )  # fmt: skip
    return build.training_network(images, settings, random.integers(0, n, 15))
