"""Single requests over HTTP to servers on this machine, which may be busy."""

from functools import partial

import urllib3

call = partial(urllib3.request, timeout=60.0)  # noqa: TID251 -- its own default is 3 seconds
