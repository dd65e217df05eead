"""`make stack`: the local stack in the foreground, until SIGTERM or Ctrl-C."""

import signal
import sys
from types import FrameType

from infra.local.crew import StackFailure
from infra.local.options import OptionError, from_environment
from infra.local.parts import MissingPart
from infra.local.supervisor import LocalStack

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Ended(BaseException):
    """A signal asked the program to end."""


def end_on_signals() -> None:
    """Turn the first termination signal into ``Ended`` in the main thread, and ignore further ones."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in ENDING_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise Ended

    for number in ENDING_SIGNALS:
        signal.signal(number, end)


def main() -> int:
    end_on_signals()
    try:
        with LocalStack(from_environment()) as stack:
            print(f"API at {stack.endpoints['api_url']}, everything else in {stack.layout.endpoints_file}")
            print("READY", flush=True)
            print(stack.wait_for_failure(), file=sys.stderr)
            return 1
    except Ended:
        return 0
    except (StackFailure, OptionError, MissingPart) as failure:
        print(failure, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
