"""``python -m backfills`` is ``backfills``."""

from __future__ import annotations

import sys

from backfills.cli import main

sys.exit(main())
