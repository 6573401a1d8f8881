"""From a revision of the configuration to the release it declares: read, parse, and everything that makes it differ."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .. import desired
from ..desired import InvalidSpec, Spec
from ..errors import Reason, Stalled
from ..names import Revision, sha
from ..paths import Paths
from ..release import Release, make_release
from ..source import Source
from .environment import Environments
from .origin import Origin
from .secrets_digest import digest


class Declarer:
    """`elsewhere` gives the origin of an app that lives in another repository."""

    def __init__(
        self,
        source: Source,
        paths: Paths,
        *,
        origin: Origin,
        elsewhere: Callable[[Spec], Origin],
        environments: Environments,
    ) -> None:
        self._source = source
        self._paths = paths
        self._origin = origin
        self._elsewhere = elsewhere
        self._environments = environments

    def declare(self, revision: Revision, known: Release | None) -> Release:
        """Raises Stalled with every problem of the file. `known` is the release in force: its app's revision stands while
        the app's own repository cannot be reached.
        """
        spec = self._spec(revision)
        app_revision, repository = revision, self._origin.repository
        if spec.source.url:
            origin = self._elsewhere(spec)
            fetched = origin.fetch(known.app_revision if known and known.spec.source == spec.source else None)
            if fetched.revision is None:
                raise fetched.error or Stalled(Reason.REF_NOT_FOUND, f"{spec.source.url} has no such ref")
            app_revision, repository = fetched.revision, origin.repository
        return make_release(
            revision=revision,
            app_revision=app_revision,
            spec=spec,
            venv=self._environments.resolve(spec, partial(repository.read, sha(app_revision))).id,
            secrets=digest(self._paths.environment, self._paths.state / "salt"),
        )

    def _spec(self, revision: Revision) -> Spec:
        data = self._origin.repository.read(sha(revision), self._source.path)
        if data is None:
            hint = "add it and push; `gitops-vm validate` checks it before"
            raise Stalled(Reason.INVALID_SPEC, f"there is no {self._source.path} at this revision", hint=hint)
        try:
            return desired.parse(
                data, file=self._source.path, host=self._source.host, allow_local=self._source.is_local
            )
        except InvalidSpec as invalid:
            problems = "\n".join(str(problem) for problem in invalid.problems)
            raise Stalled(Reason.INVALID_SPEC, problems) from invalid
