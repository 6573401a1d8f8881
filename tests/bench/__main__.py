"""`make bench`: every benchmark, side by side in one run. Numbers are printed, never asserted: the machine may be busy."""

from __future__ import annotations

from tests.bench import deploy, idle, inference, peers


def main() -> None:
    idle.main()
    deploy.main()
    peers.main()
    inference.main()


if __name__ == "__main__":
    main()
