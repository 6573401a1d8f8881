"""Which releases have a process, by the service manager itself."""

from __future__ import annotations

from tests.vm.product import Product


def serving(product: Product) -> list[str]:
    """Their units."""
    lines = product.systemctl("--plain", "--no-legend", "list-units", "--state=active,activating", "gitops-app@*")
    return [line.split()[0] for line in lines.splitlines()]
