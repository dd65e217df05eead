"""The demo's webhook receiver: it stores batches in a file for the check, and answers 204.

    python -m infra.local.demo.receiver SPOOL

It prints its port, reads the secret from standard input, and ends when its standard input does. Each line of
the spool is one request: its ``webhook-id``, whether both signatures are valid, and the body.
"""

import json
import sys
import threading
from pathlib import Path

from infra.local.receiver import Batch, serve


def main() -> int:
    lock = threading.Lock()
    with Path(sys.argv[1]).open("a", encoding="utf-8") as file:

        def take(batch: Batch) -> int:
            entry = [batch.webhook_id, batch.is_signed, batch.body.decode()]
            with lock:
                file.write(json.dumps(entry) + "\n")
                file.flush()
            return 204

        server = serve(take, sys.stdin.readline().strip().encode())
        print(server.server_port, flush=True)
        sys.stdin.read()
        server.shutdown()
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
