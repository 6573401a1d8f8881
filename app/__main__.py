"""`python -m app`, from the root of the repository. The environment is read here and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from .sd import Notifier, listening_socket, watchdog_interval
from .settings import EX_CONFIG, Unusable, prepared


def main() -> int:
    notifier = Notifier()
    try:
        config = prepared(os.environ)
        listener = listening_socket(os.environ, config.host, config.port)
    except Unusable as error:
        notifier.status(f"refused: {error}")
        sys.stderr.write(f"app: {error}\n")
        return EX_CONFIG
    from .serve import serve  # noqa: PLC0415 - after a configuration error nothing heavy is imported

    host, port = listener.getsockname()[:2]
    logging.getLogger(__name__).info("listening on %s port %s", host, port)
    asyncio.run(serve(config, listener, notifier, watchdog_interval(os.environ)))
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A call to a hanging API still holds a thread, which a normal exit would wait for.
    os._exit(code)
