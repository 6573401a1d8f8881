"""The mood app: what the agent deploys. It knows nothing of the agent; systemd and the environment are all they share."""
