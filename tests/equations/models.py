"""The built-in neurons once more, by equations, and how a network runs with one of them."""

from __future__ import annotations

import functools

import numpy as np

from neuromorph import Model, Network, Simulation
from neuromorph.models.registry import registry

MEMBRANE = {
    "tau_m": "10 ms", "C_m": "250 pF", "E_L": "-70 mV", "V_th": "-55 mV", "V_reset": "-70 mV", "t_ref": "2 ms",
    "I_e": "0 pA",
}  # fmt: skip
SYNAPSES = {"tau_syn_ex": "2 ms", "tau_syn_in": "2 ms"}
FIRES = {"threshold": "V_m > V_th", "reset": "V_m = V_reset", "refractory": "t_ref", "initial": {"V_m": "E_L"}}
CURRENT = {"current": "I_stim += w (explicit)"}


@functools.cache
def by_equations(name):
    """The model called so in neuromorph/models, by equations; None where it is not here."""
    return Model(name=f"{name}_by_equations", **TEXTS[name])


TEXTS = {
    "lif_delta": {
        "equations": "dV_m/dt = -(V_m - E_L)/tau_m + (I_e + I_stim)/C_m : mV\nI_stim : pA",
        "parameters": MEMBRANE,
        "receptors": {"delta": "V_m += w"} | CURRENT,
        **FIRES,
    },
    "lif_exp": {
        "equations": """
            dV_m/dt = -(V_m - E_L)/tau_m + (I_ex + I_in + I_e + I_stim)/C_m : mV
            I_stim : pA
            dI_ex/dt = -I_ex/tau_syn_ex : pA
            dI_in/dt = -I_in/tau_syn_in : pA
        """,
        "parameters": MEMBRANE | SYNAPSES,
        "receptors": {"excitatory": "I_ex += w (positive)", "inhibitory": "I_in += w (negative)"} | CURRENT,
        **FIRES,
    },
    "lif_alpha": {
        "equations": """
            dV_m/dt = -(V_m - E_L)/tau_m + I/C_m : mV
            I = I_ex + I_in + I_e + I_stim : pA
            I_stim : pA
            dy_ex/dt = -y_ex/tau_syn_ex : pA/ms
            dI_ex/dt = y_ex - I_ex/tau_syn_ex : pA
            dy_in/dt = -y_in/tau_syn_in : pA/ms
            dI_in/dt = y_in - I_in/tau_syn_in : pA
        """,
        "parameters": MEMBRANE | SYNAPSES,
        "receptors": {
            "excitatory": "y_ex += w*e/tau_syn_ex (positive)", "inhibitory": "y_in += w*e/tau_syn_in (negative)"
        } | CURRENT,
        **FIRES,
    },
    "lif_cond_exp": {
        "equations": """
            dV_m/dt = (I_e + I_stim - g_L*(V_m - E_L) - g_ex*(V_m - E_ex) - g_in*(V_m - E_in))/C_m : mV
            I_stim : pA
            dg_ex/dt = -g_ex/tau_syn_ex : nS
            dg_in/dt = -g_in/tau_syn_in : nS
        """,
        "parameters": {
            "C_m": "250 pF", "g_L": "16.6667 nS", "E_L": "-70 mV", "E_ex": "0 mV", "E_in": "-85 mV", "V_th": "-55 mV",
            "V_reset": "-60 mV", "t_ref": "2 ms", "tau_syn_ex": "0.2 ms", "tau_syn_in": "2 ms", "I_e": "0 pA",
        },
        "receptors": {"excitatory": "g_ex += w (positive)", "inhibitory": "g_in += w (positive, explicit)"} | CURRENT,
        **FIRES,
    },
    "izhikevich": {
        "equations": """
            dV_m/dt = (0.04/ms/mV*V_m + 5/ms)*V_m + 140*mV/ms - u/ms + (I_e + I_stim)/pF : mV
            du/dt = a/ms*(b*V_m - u) : mV
            I_stim : pA
        """,
        "threshold": "V_m >= V_th",
        "reset": "V_m = c\nu += d",
        "parameters": {"a": 0.02, "b": 0.2, "c": "-65 mV", "d": "8 mV", "V_th": "30 mV", "I_e": "0 pA"},
        "receptors": {"delta": "V_m += w"} | CURRENT,
        "initial": {"V_m": -65.0, "u": -13.0},
    },
    "adex": {
        "equations": """
            V = min(V_m, V_peak) : mV
            spike = g_L*Delta_T*exp((V - V_T)/Delta_T) : pA
            dV_m/dt = (spike - g_L*(V - E_L) - w_ad + I)/C_m : mV
            I = I_e + I_stim + (I_ex + I_in) : pA
            dI_ex/dt = -I_ex/tau_syn_ex : pA
            dI_in/dt = -I_in/tau_syn_in : pA
            dw_ad/dt = (a*(V - E_L) - w_ad)/tau_w : pA
            I_stim : pA
        """,
        "threshold": "V_m > V_peak",
        "reset": "V_m = V_reset; w_ad += b",
        "refractory": "t_ref",
        "parameters": {
            "C_m": "281 pF", "g_L": "30 nS", "E_L": "-70.6 mV", "V_T": "-50.4 mV", "Delta_T": "2 mV", "a": "4 nS",
            "b": "80.5 pA", "tau_w": "144 ms", "V_reset": "-60 mV", "V_peak": "0 mV", "t_ref": "0 ms", "I_e": "0 pA",
        } | SYNAPSES,
        "receptors": {"excitatory": "I_ex += w (positive)", "inhibitory": "I_in += w (negative)"} | CURRENT,
        "initial": {"V_m": "E_L"},
    },
}  # fmt: skip


def network(model, weights, params=None, cells=20, rate=800.0, size=80):
    """Cells of a model under Poisson input at each receptor that has a weight, onto each other by the first."""
    made = Network("equations")
    made.add_population("cells", model, cells, params)
    made.add_input("noise", "poisson", size, {"rate": rate})
    for k, (receptor, weight) in enumerate(weights.items()):
        made.connect("noise", "cells", "fixed_indegree", indegree=8, weight=weight, delay=1.5, receptor=receptor,
                     name=f"p{k}")  # fmt: skip
    receptor, weight = next(iter(weights.items()))
    made.connect("cells", "cells", "fixed_indegree", indegree=3, weight=weight, delay=2.0, receptor=receptor, name="q")
    return made


def runs(name, made, resolution, duration, variable):
    """Spike times and final states of the built-in model and of the one by equations, in the same network."""
    cls = by_equations(name)
    found = []
    with registry.override({cls.name: cls}):
        for model in (name, cls.name):
            simulation = Simulation(made(model), resolution=resolution, seed=3)
            simulation.run(duration)
            times, cells = simulation.spikes("cells")
            found.append((np.array(times), np.array(cells), np.array(simulation.state("cells", variable))))
    return found
