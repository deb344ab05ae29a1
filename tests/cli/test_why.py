"""neuromorph why and why-not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.running import run_command  # noqa: F401
