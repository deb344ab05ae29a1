"""Which networks are taken through exact mode by sums: lif_delta cells alone, with many arrivals in every window.

That is decided from the description, never by measured activity, and does not depend on what is recorded.
"""

from __future__ import annotations

import numpy as np

from neuromorph.lowered.compiled import CompiledNetwork, Neurons
from neuromorph.lowered.lazy import expected
from neuromorph.models.lif import LifDelta

#: arrivals per cell and window from which on sums (fixed costs of 20 ns a cell and window) beat walks
MANY = 6.0
#: potentials and weights (mV) must stay well below the 2048 mV up to which sums are exact (kernels/dense.py)
LARGEST = 512.0
#: and threshold far above their rounding, 2e-13 mV
SMALLEST = 0.1


def dense(network: CompiledNetwork) -> bool:
    """Whether the cells of a network are lif_delta of one tau_m, fire at arrivals alone and have many of these."""
    learning = any(p.plasticity is not None for p in network.projections)
    sent = any(s.population is not None for s in network.signals)
    if not network.clock.exact or learning or sent or network.currents or not network.neurons:
        return False
    cells = sum(p.size for p in network.neurons)
    taus = {float(p.parameters["tau_m"][0]) for p in network.neurons if p.model is LifDelta and not p.own}
    return (
        all(_plain(p) for p in network.neurons)
        and len(taus) == 1
        and network.clock.unit <= 0.5 * min(taus)
        and all(np.abs(rows.synapse["weight"]).max(initial=0.0) <= LARGEST for rows in network.static)
        and all(np.abs(d.weight).max(initial=0.0) <= LARGEST for d in network.drives)
        and sum(expected(network, p) * p.size for p in network.neurons) >= MANY * cells
    )


def _plain(p: Neurons) -> bool:
    """Whether cells are lif_delta with shared parameters that rest below threshold."""
    if p.model is not LifDelta or p.own or not p.size:
        return False
    receptors = {p.model.receptors[r].name for r in p.live}
    initial = dict(zip(p.model.variables(), p.initial))
    given = {name: float(values[0]) for name, values in p.parameters.items()}
    rest = given["E_L"] + (given["I_e"] + initial["I_stim"]) * given["tau_m"] / given["C_m"]
    levels = np.concatenate([rest, initial["V_m"], [given["V_th"], given["V_reset"]]])
    room = given["V_th"] - max(rest.max(), given["V_reset"])
    sane = np.abs(levels).max() <= LARGEST and room >= SMALLEST
    return bool(sane) and p.model.silent_between_arrivals(p.parameters, initial, receptors)
