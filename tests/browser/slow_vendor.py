"""``avatarkit`` on a fake vendor whose jobs take so many seconds: the first argument."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from avatarkit.cli import main
from avatarkit.models import Operation
from avatarkit.providers import fake

if __name__ == "__main__":
    seconds = float(sys.argv.pop(1))
    fake._QUICK = replace(fake._QUICK, duration=dict.fromkeys(Operation, seconds))
    os.environ["AVATARKIT_STACK"] = "fake"
    main()
