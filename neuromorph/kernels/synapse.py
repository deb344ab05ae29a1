"""A static synapse: the input slot that it reaches and what it adds there, 8 bytes."""

from __future__ import annotations

import numpy as np

SYNAPSE = np.dtype([("slot", "<i4"), ("weight", "<f4")])
