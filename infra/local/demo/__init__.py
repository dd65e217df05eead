"""The demo: it runs a backfill on a local stack with the users' client, and checks what arrives."""

import sys
from pathlib import Path

# The client is a separate package, which the service's setup does not install.
sys.path.append(str(Path(__file__).parents[3] / "client/src"))
