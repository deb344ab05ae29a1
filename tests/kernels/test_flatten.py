"""The text of a kernel module is the same in every process, or it would be compiled in each."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import hashlib
from neuromorph.kernels.flatten import flatten
names = [f"f{k}" for k in range(20)]
text = "".join(f"def {name}(rows):\\n    return rows.a[0] + rows.b[0]\\n\\n\\n" for name in names)
print(hashlib.sha256(repr(flatten(text, {"rows": ["a", "b"]})).encode()).hexdigest())
"""


def test_no_order_of_a_set_gets_into_the_text() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
