"""The pages. Importing this imports gradio, which takes seconds: see ../pages.py."""

from .site import site

__all__ = ["site"]
