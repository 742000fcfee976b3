"""Who calls: what a caller may do, in which projects, and under which name it writes.

The doors make one `Caller` for each credential; the port takes it with every call
(`Memory.bound`) and the service obeys it. Knows no token and no protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from memory_core.errors import Forbidden, shown
from memory_core.model import GLOBAL_PROJECT
from memory_core.spelling import composed, spelled

CallerScope = Literal["read", "write", "admin"]
CALLER_SCOPES: tuple[CallerScope, ...] = ("read", "write", "admin")
"""Each may do what those before it may: read (recall, check, list, resources), write
(remember, report, forget what it wrote itself), admin (forget and restore anything)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller. The default is the store's owner.

    `source` is the name under which it writes, "" for the store's own
    (`LESSONBANK_SOURCE`). `projects` are the only ones that it sees beside the
    global items; None is all of them. The first is that of calls that name none.
    What a `trusted` caller reports is learned in full, of others within a quota.
    `home` is the project of calls that name none and carry no id, "" for the memory's own:
    where it works, not who it is.
    """

    source: str = ""
    scope: CallerScope = "admin"
    projects: tuple[str, ...] | None = None
    trusted: bool = True
    home: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.projects is not None and not self.projects:
            raise ValueError("a caller of no project sees nothing; None means all projects")
        object.__setattr__(self, "source", composed(self.source))
        if self.projects is not None:
            names = tuple(dict.fromkeys(spelled(one) or one for one in self.projects))
            object.__setattr__(self, "projects", names)

    def may(self, scope: CallerScope) -> bool:
        """Whether its scope includes `scope`."""
        return CALLER_SCOPES.index(self.scope) >= CALLER_SCOPES.index(scope)

    def require(self, scope: CallerScope, what: str) -> None:
        """Refuse what needs a larger scope.

        Raises:
            Forbidden: The scope does not suffice; the sentence names both.
        """
        if not self.may(scope):
            raise Forbidden(
                f"{what} needs the scope {scope}; this token has {self.scope}. "
                "Ask the owner of the memory for a token that may do it."
            )

    def require_all(self, what: str) -> None:
        """Refuse what concerns every project of the store.

        Raises:
            Forbidden: The caller is limited to some projects.
        """
        if self.projects is not None:
            raise Forbidden(f"{what} concerns the whole store; this token is for some projects.")

    def sees(self, project: str) -> bool:
        """Whether a project's items are shown to it; global items are shown to everyone."""
        return self.projects is None or project in self.projects or project == GLOBAL_PROJECT

    def works_in(self, project: str) -> bool:
        """Whether calls for a project are served."""
        return self.projects is None or project in self.projects

    def named(self, own: str) -> str:
        """The name that it writes under; `own` is the store's."""
        return self.source or own

    def project_of(self, asked: str, default: str) -> str:
        """The project of a call: the one it names, else the caller's first or home, else `default`.

        Raises:
            Forbidden: It names one that the caller does not work in.
        """
        if self.projects is None:
            return asked or self.home or default
        project = asked or self.projects[0]
        if project not in self.projects:
            raise Forbidden(
                f"project {shown(project)} is none of this token's. "
                f"Use {' or '.join(shown(one) for one in self.projects[:5])}, or leave it out."
            )
        return project


OWNER = Caller()
"""The store's owner: the user's own clients over stdio, the commands, the hooks."""
