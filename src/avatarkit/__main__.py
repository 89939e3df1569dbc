"""``python -m avatarkit`` is the same as ``avatarkit``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
