"""gitops-vm: a GitOps agent for one VM."""

__version__ = "0.1.0"
