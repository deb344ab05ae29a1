"""New sources for the synapses that a rule gives up."""

from __future__ import annotations

from neuromorph.kernels.jit import kernel
from neuromorph.kernels.rng import uniform

#: draws of a new source before a synapse stays where it is
ATTEMPTS = 32


@kernel
def regrow(given_up, source, target, order, first, sources, autapses, multapses, seed, stream, number):
    """Move synapses to sources drawn at random; returns how many have moved, and marks them in `given_up`.

    given_up : bool[n], by ordinal; source, target : int64[n], indices in their populations; sources : their number
    order, first : synapses by target, and where those of each target begin
    autapses, multapses : whether these are allowed (an autapse: source and target have one index)
    number : of the occasion. Draw a of synapse k is number `number` * ATTEMPTS + a of entity k of `stream`.

    One after the other in order of ordinal; what the one takes is no longer free for the next. A source that is taken
    already is drawn again; after ATTEMPTS of them the synapse stays. Checking takes a row of the target's synapses.
    """
    moved = 0
    for k in range(given_up.size):
        if not given_up[k]:
            continue
        given_up[k] = False
        t = target[k]
        for attempt in range(ATTEMPTS):
            s = int(uniform(seed, stream, k, number * ATTEMPTS + attempt) * sources)
            free = s != source[k] and (autapses or s != t)
            if free and not multapses:
                for m in range(first[t], first[t + 1]):
                    free &= source[order[m]] != s
            if free:
                source[k] = s
                given_up[k] = True
                moved += 1
                break
    return moved
