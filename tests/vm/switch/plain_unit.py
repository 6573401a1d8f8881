"""What the product is not: the FastAPI app of the release that serves, as a unit of its own that opens its port itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.ports import LOOPBACK, answers, free_port
from tests.vm.product import USER, Product
from tests.vm.switch.rollouts import status
from tests.waiting import wait_for

DATA = f"/home/{USER}/.local/share/gitops-vm"
UNIT = """\
[Service]
WorkingDirectory={data}/current/tree
Environment=PYTHONPATH={data}/current/launcher/site
ExecStart={data}/venvs/{venv}/bin/python -m uvicorn app.main:app --host {host} --port {port}
"""


@contextmanager
def plain_unit(product: Product) -> Iterator[tuple[int, str]]:
    """Its port and its name; it answers."""
    port, name = free_port(), "plain.service"
    text = UNIT.format(data=DATA, venv=status(product)["environment"]["venv"], host=LOOPBACK, port=port)
    product.machine.put(f"/home/{USER}/.config/systemd/user/{name}", text, owner=USER)
    product.systemctl("daemon-reload")
    product.systemctl("start", name)
    try:
        wait_for(lambda: answers(port), "the plain unit")
        yield port, name
    finally:
        product.systemctl("stop", name)
