"""A service manager for machines without systemd: what the agent needs of one, and nothing else.

`python -m agent.host.supervisor DIRECTORY` is a process of its own, on the standard library alone: neither the end of a
worker nor the death of the daemon ends the app. Should the supervisor itself be killed, the kernel kills the programs it
started with it, the next supervisor ends what they left behind, and the agent's next pass starts the release again.
"""
