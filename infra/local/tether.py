"""Runs a command that ends with its parent, however the parent ends: `tether.py PARENT_PID COMMAND…`.

A supervisor that gets SIGKILL cannot stop its children, but the kernel can. The parent-death signal that this
program sets survives the exec, so it works for any program, including Java.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # the parent ended before the signal was set
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - replacing itself by the command is the purpose


if __name__ == "__main__":
    main()
