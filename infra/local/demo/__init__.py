"""The demo: a backfill on a local stack, by the client that users install, and what arrived, checked."""

import sys
from pathlib import Path

# The client is a package of its own, which setting up the service does not install.
sys.path.append(str(Path(__file__).parents[3] / "client/src"))
