"""Random small networks of three kinds: real-valued, dyadic (ties are meant), rhythmic ones that learn in cycles."""

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
DURATION = 120.0  # ms
KINDS = ("real", "real", "dyadic", "rhythmic")


def tick(number: int) -> float:
    """The grid on which network `number` of the series for the grid runs (ms)."""
    return 0.5 if KINDS[number % 4] == "rhythmic" else 0.125


def network(number: int, resolution: str | float) -> Network:
    """Network `number` of the series for a resolution; the rules of twin_rules must be registered."""
    exact = resolution == "exact"
    random = np.random.default_rng([number, exact])
    kind = KINDS[number % 4]
    net = Network(f"{kind}{number}")
    if kind == "rhythmic":
        rhythmic(net, random)
    else:
        point(net, random, exact, dyadic=kind == "dyadic")
    if number % 3 == 0:
        _readings(net, random)
    return net


def _readings(net: Network, random: Any) -> None:
    """States of one population and weights of one projection, recorded at intervals."""
    cells = [name for name, data in net.populations.items() if data["model"] in (*GRID, "rhythmic")]
    net.record(str(random.choice(cells)), "n_mean" if "top" in net.graph else "V_m", interval=7.5)
    names = [data["name"] for source, _, data in net.projections if source != "injected"]
    net.record(projection=str(random.choice(names)), interval=11.0)


# -- point neurons --------------------------------------------------------------------------------------------------


def point(net: Network, random: Any, exact: bool, dyadic: bool) -> None:
    """One to three populations under Poisson or given spikes, with static and plastic projections and signals."""
    models = ("lif_delta",) if dyadic else (EXACT if exact else GRID)
    cells = {}
    for k in range(random.integers(1, 4)):
        model = str(random.choice(models))
        size = int(random.choice([0, 1, 2, 4, 5, 6], p=[0.05, 0.05, 0.1, 0.2, 0.3, 0.3]))
        cells[f"n{k}"] = (model, size)
        net.add_population(f"n{k}", model, size, _params(random, model, size, dyadic), _initial(model, dyadic))
    _inputs(net, random, cells, exact, dyadic)
    _signals(net, random, [*cells, *(f"in_{name}" for name in cells)], dyadic)
    names = list(cells)
    for number in range(random.integers(2, 6)):
        source, target = random.choice(names), random.choice(names)
        _projection(net, random, source, target, cells, exact, dyadic, number)
    if not dyadic and random.random() < 0.4:
        _current(net, random, cells, exact)


def _step(random: Any, low: float, high: float, dyadic: bool, unit: float = 0.125) -> float:
    if not dyadic:
        return float(random.uniform(low, high))
    return float(random.integers(round(low / unit), round(high / unit) + 1) * unit)


def _params(random: Any, model: str, size: int, dyadic: bool) -> dict[str, Any]:
    if model == "izhikevich":
        return {"I_e": random.uniform(0.0, 8.0, size) if random.random() < 0.3 else float(random.uniform(0.0, 8.0))}
    shortest = 0.0 if dyadic or random.random() < 0.08 else 0.5
    params: dict[str, Any] = {"t_ref": _step(random, shortest, 3.0, dyadic)}
    if random.random() < 0.2:
        params["t_ref"] = np.array([_step(random, shortest, 3.0, dyadic) for _ in range(size)])
    if model == "adex":
        return params | {"I_e": float(random.uniform(0.0, 900.0))}
    if model == "lif_cond_exp":
        return params | {"I_e": float(random.uniform(0.0, 300.0)), "tau_syn_ex": 1.5}
    if dyadic:
        return params | {"E_L": 0.0, "V_reset": 0.0, "V_th": 8.0, "tau_m": 16.0}
    params["tau_m"] = random.uniform(5.0, 20.0, size) if random.random() < 0.4 else 12.0
    params["I_e"] = float(random.choice([0.0, 300.0, 500.0]))
    if model != "lif_delta":
        same = random.random() < 0.3 and np.ndim(params["tau_m"]) == 0
        params["tau_syn_ex"] = params["tau_m"] if same else float(random.uniform(0.5, 4.0))
        params["tau_syn_in"] = float(random.uniform(0.5, 4.0))
    return params


def _initial(model: str, dyadic: bool) -> dict[str, Any]:
    if model == "izhikevich" or dyadic:
        return {}
    return {"V_m": {"distribution": "uniform", "low": -70.0, "high": -56.0}}


def _inputs(net: Network, random: Any, cells: dict[str, Any], exact: bool, dyadic: bool) -> None:
    for name, (model, _size) in cells.items():
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
        plasticity = _plasticity(random, net, strength, exact) if random.random() < 0.3 else None
        net.connect(
            f"in_{name}", name, "bernoulli", weight=weight, delay=delay, receptor=receptor, probability=0.7,
            plasticity=plasticity, name=f"drive_{name}",
        )  # fmt: skip


def _signals(net: Network, random: Any, populations: list[str], dyadic: bool) -> None:
    """A reward at given times, and the spikes of a population."""
    times = [_step(random, 0.0, 110.0, dyadic) for _ in range(random.integers(0, 6))]
    values = random.choice([-1.0, 0.5, 1.0], len(times))
    net.add_signal("reward", times=times, values=values, delay=_step(random, 0.5, 3.0, dyadic))
    net.add_signal("crowd", population=str(random.choice(populations)), delay=_step(random, 0.5, 3.0, dyadic))


def _projection(
    net: Network, random: Any, source: str, target: str, cells: dict[str, Any], exact: bool, dyadic: bool, number: int
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
        if receptor == "delta" and random.random() < 0.3:
            weight *= random.choice([-1.0, 1.0], n)
        delay = random.uniform(0.5, 4.0, n) if random.random() < 0.6 else float(random.uniform(0.5, 3.0))
    plasticity = _plasticity(random, net, strength, exact) if random.random() < 0.6 else None
    net.connect(
        source, target, "explicit", weight=weight, delay=delay, receptor=receptor, plasticity=plasticity,
        name=f"p{number}", **pairs,
    )  # fmt: skip


def _plasticity(random: Any, net: Network, strength: float, exact: bool) -> dict[str, Any]:
    size = abs(strength)
    plastic = {"w_min": -size, "w_max": 2.0 * size} if strength > 0 else {"w_min": -2.0 * size, "w_max": size}
    rules = ["pair_stdp", "stdp_derivative", "eligibility", "voltage", "nearest", "depression"]
    rule = str(random.choice(rules if exact else [*rules, "chance", "past"]))
    if "stdp" in rule and random.random() < 0.5:  # the sign of the initial weights is a bound where none is given
        kept = str(random.choice(["w_min", "w_max", "neither"]))
        plastic = {k: v for k, v in plastic.items() if k == kept}
    params = {
        "pair_stdp": {"a_plus": 0.05 * size, "a_minus": 0.06 * size, "tau_plus": 12.0},
        "stdp_derivative": {"eta": 0.3 * size, "tau_fast": 5.0, "tau_slow": 30.0},
        "eligibility": {"gain": 0.1 * size},
        "voltage": {"gain": 0.005 * size},
        "nearest": {"gain": 0.05 * size},
        "depression": {"gain": 0.05 * size},
        "chance": {"gain": 0.05 * size},
        "past": {"gain": 0.005 * size},
    }[rule]
    if rule in ("eligibility", "voltage", "chance"):
        plastic["signals"] = [["reward"], ["crowd"], ["crowd", "reward"]][random.integers(3)]
    frozen = bool(random.random() < 0.1) and rule not in ("depression", "chance")  # these say what a spike delivers
    return {"rule": rule, "params": params, "frozen": frozen, **plastic}


def _current(net: Network, random: Any, cells: dict[str, Any], exact: bool) -> None:
    name = str(random.choice(list(cells)))
    if not cells[name][1]:
        return
    kind = "dc" if exact else str(random.choice(["dc", "ac", "noise"]))
    size = 0.02 if cells[name][0] == "izhikevich" else 1.0
    params: dict[str, Any] = {
        "dc": {"times": [0.0, 20.0, 60.0], "amplitudes": [100.0 * size, 250.0 * size, -50.0 * size]},
        "ac": {"amplitude": 300.0 * size, "frequency": 40.0, "offset": 100.0 * size},
        "noise": {"mean": 100.0 * size, "std": 400.0 * size, "interval": 0.5},
    }[kind]
    net.add_input("injected", f"{kind}_current", 1, params)
    net.connect("injected", name, "all_to_all", weight=float(random.uniform(0.5, 2.0)))


# -- rhythmic cells -------------------------------------------------------------------------------------------------


def rhythmic(net: Network, random: Any) -> None:
    """Cycles of 8 ms: two layers of rhythmic cells and a readout, phases at random, every rule that reads counts."""
    sizes = {"image": 5, "low": int(random.integers(2, 6)), "mid": int(random.integers(1, 5)), "top": 3}
    order = random.integers(0, 6, 14)
    cycle = {"interval": 8.0, "order": order}
    patterns = random.integers(0, 9, (6, 5)).astype(np.uint8 if random.random() < 0.5 else float)
    net.add_input("image", "pattern_volley", 5, {**cycle, "patterns": patterns, "scale": 0.125, "start": 2.0})
    net.add_input("teacher", "pattern_volley", 3, {**cycle, "patterns": np.eye(6)[:, :3], "kappa": 1.0, "start": 5.0})
    net.add_input("pacemaker", "spike_train", 1, {"times": 1.0 + 8.0 * np.arange(14)})
    common = {"tau_mean": 4.0, "poisson": float(random.integers(2))}
    for name in ("low", "mid"):
        kappa = random.uniform(2.0, 6.0, sizes[name]) if random.random() < 0.5 else 4.0
        cap = float(random.choice([1.0, 3.0]))
        net.add_population(name, "rhythmic", sizes[name], {**common, "kappa": kappa, "cap": cap, "gamma": 2.0})
    net.add_population("top", "rhythmic_readout", 3, {**common, "kappa": 8.0, "blend": float(random.uniform(0.3, 1.0))})
    for name in ("low", "mid", "top"):
        for receptor, low, high in (
            ("start", 0.5, 1.0),
            ("release", 1.5, 3.5),
            ("latch", 3.5, 6.0),
            ("nudge", 4.5, 7.5),
        ):
            delay = _step(random, low, high, True, 0.5)
            net.connect("pacemaker", name, weight=1.0, delay=delay, receptor=receptor, name=f"{receptor}_{name}")
    net.add_signal("learn", start=7.0, interval=8.0, count=13, first=1.0, last=0.25, delay=1.0)
    net.add_signal("beat", population="pacemaker", delay=6.5)
    _layers(net, random, sizes)


def _layers(net: Network, random: Any, sizes: dict[str, int]) -> None:
    up = ["recirculation"]
    down = ["mirror", "wake", "wake_clamped", "wake_looks", "fixed"]
    for source, target, receptor, rules in (
        ("image", "low", "basal", up), ("low", "mid", "basal", up), ("mid", "top", "basal", up),
        ("mid", "low", "apical", down), ("top", "mid", "apical", down), ("teacher", "top", "apical", ["fixed"]),
    ):  # fmt: skip
        rule = str(random.choice(rules))
        plasticity = None
        if rule != "fixed":
            signals = [["learn"], ["beat"], ["beat", "learn"]][random.integers(3)]
            plasticity = {"rule": rule, "params": {"eta": 0.01}, "signals": signals}
            plasticity |= {"w_min": -1.0, "w_max": 1.0} if random.random() < 0.5 else {}
        n_source, n_target = sizes.get(source, 3), sizes[target]
        pairs: dict[str, Any] = {"rule": "all_to_all"}
        n = n_source * n_target
        if random.random() < 0.5:
            n = int(random.integers(n_target, 3 * n + 1))
            ends = {"sources": random.integers(0, n_source, n), "targets": random.integers(0, n_target, n)}
            pairs = {"rule": "explicit"} | ends
        weight = np.clip(random.normal(0.1, 0.2, n), -1.0, 1.0) if source != "teacher" else 1.0
        name = f"{source}_{target}"
        net.connect(
            source, target, weight=weight, delay=_step(random, 0.5, 1.0, True, 0.5), receptor=receptor,
            plasticity=plasticity, name=name, **pairs,
        )  # fmt: skip


# -- what they hold -------------------------------------------------------------------------------------------------


def features(net: Network) -> set[str]:
    """Names of everything about a network that the series as a whole is meant to hold."""
    found = {"readings"} if "record" in net.graph.graph else set()
    for _name, data in net.populations.items():
        found.add(data["model"])
        if data["model"] in STRENGTH or data["model"].startswith("rhythmic"):
            own = any(np.ndim(v) for v in data.get("params", {}).values())
            found |= {"empty population"} if data["size"] == 0 else {"own parameters" if own else "shared parameters"}
    for source, target, data in net.projections:
        found |= {f"receptor {data.get('receptor')}", f"rule {data.get('rule')}"}
        plastic = data.get("plasticity") or {}
        if plastic:
            found |= {plastic["rule"], f"bounds {sorted({'w_min', 'w_max'} & set(plastic))}"}
            found |= {f"signal {name}" for name in plastic.get("signals", ())}
            found |= {"frozen"} if plastic.get("frozen") else set()
        if data.get("rule") == "explicit":
            pairs = list(zip(np.asarray(data["sources"]).tolist(), np.asarray(data["targets"]).tolist()))
            found |= {"multapse"} if len(set(pairs)) < len(pairs) else set()
            found |= {"autapse"} if source == target and any(i == j for i, j in pairs) else set()
            found |= {"zero weight"} if np.any(np.asarray(data["weight"]) == 0.0) else set()
            found |= {"own delays"} if np.ndim(data["delay"]) else {"one delay"}
    return found
