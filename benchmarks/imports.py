"""CPU of importing each adapter, against importing the five packages of the core.

Pydantic loads what it consists of only when it is first used, and its bare name next to nothing:
the baseline takes from it what the core takes, and makes one model. What the bare names cost is
shown as well.
Each import happens in an interpreter of its own. Run it as ``python benchmarks/imports.py``.
"""

from __future__ import annotations

import sys

from measures import Bar, alone, arguments, report

from avatarkit.stacks.registry import BUILTIN

CORE = "the five packages, in use"
NAMES = "the five bare names"
IMPORTS = {
    NAMES: "import httpx, pydantic, stamina, structlog, anyio",
    CORE: """
import httpx, stamina, structlog, anyio
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
class Model(BaseModel):
    progress: float | None = Field(default=None, ge=0, le=1)
""",
}

ADAPTERS = sorted(
    {".".join(target.partition(":")[0].split(".")[:3]) for target in BUILTIN.values()}
)

CODE = "import time; began = time.process_time()\n{}\nprint(time.process_time() - began)"


def milliseconds(imports):
    """CPU of importing all that these lines bring."""
    return alone(CODE.format(imports))[0] * 1e3


def main():
    options = arguments(__doc__).parse_args()
    sides = IMPORTS | {name: f"import {name}" for name in ADAPTERS}
    rounds = [
        {side: milliseconds(imports) for side, imports in sides.items()}
        for _ in range(options.rounds + 1)  # the first one compiles
    ]
    bars = [Bar(adapter, CORE, 1.2) for adapter in ADAPTERS]
    sys.exit(report(rounds[1:], bars, "ms of CPU", check=options.check))


if __name__ == "__main__":
    main()
