"""A laptop that has not been upgraded since 2021: a Debian 11 around the programs and the keys of a test's laptop."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from tests.bootstrap.calling import BOOTSTRAP, Said
from tests.process import Failed, run
from tests.vm import hostsettings, image
from tests.vm.container import has_systemd
from tests.vm.ssh.laptop import Laptop
from tests.vm.ssh.site import Site

PRODUCT = "/run/product"  # a place that every tree has: nspawn cannot make one in a tree it may not write to
RECIPE = {"suite": "bullseye", "variant": "minbase", "packages": ("python3", "openssh-client"), "set_up": "true"}


class OldLaptop:
    def __init__(self, laptop: Laptop, say: Callable[[str], None]) -> None:
        """Builds its Debian when the cache has none (about a minute)."""
        sources, options = hostsettings.apt_sources("bullseye"), hostsettings.apt_options()
        recipe = image.Recipe(**RECIPE, sources=tuple(sources), apt_options=tuple(options))
        self._laptop, self._tree = laptop, image.built(recipe, say)

    def versions(self) -> tuple[str, str]:
        """Of its python3 and its ssh."""
        python, ssh = re.findall(r"(\S+?[ _]\d+\.\d+)", self._run("sh", "-c", "python3 --version; ssh -V 2>&1"))[:2]
        return python, ssh

    def bootstrap(self, site: Site, *options: str) -> str:
        """What it printed; Failed when it did not succeed."""
        return self._run("python3", f"{PRODUCT}/{BOOTSTRAP.name}", *self._laptop.words(site), *options)

    def says(self, *arguments: str) -> Said:
        """What bootstrap.py answers to these arguments alone."""
        try:
            return Said(code=0, text=self._run("python3", f"{PRODUCT}/{BOOTSTRAP.name}", *arguments))
        except Failed as failed:
            return Said(code=failed.code, text=failed.out + failed.err)

    def imports(self, expression: str) -> str:
        """The value of an expression over the module `bootstrap`."""
        return self._run("env", "-C", PRODUCT, "python3", "-B", "-c", f"import bootstrap; print({expression})").strip()

    def _run(self, *argv: str) -> str:
        folder = self._laptop.folder
        inside = ("--pipe", "--as-pid2", "--register=no", *([] if has_systemd() else ["--keep-unit"]), "--read-only")
        seen = (f"--bind-ro={BOOTSTRAP.parent}:{PRODUCT}", f"--bind={folder}", f"--setenv=HOME={folder}")
        nspawn = ("systemd-nspawn", "--quiet", f"--directory={self._tree}", *inside, *seen)
        return run(*nspawn, *argv, within=timedelta(minutes=2))
