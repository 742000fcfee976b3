"""Where the console command begins; keeps what a project holds from being imported in our place.

PYTHONPATH, the working directory and a script's own folder stand before the standard
library and the installed packages. A project's `server`, `numpy.py` or `json.py` there
would run inside this process. They are left out, but for what lessonbank itself was found by.
Imports nothing that such a project could have replaced.

Installed, this file is also the module `lessonbank` (see pyproject.toml): `server` is the name of
folders that people have in their projects, and the command must begin in one that nobody has.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def _home() -> str:
    """Give the folder that holds `server` and `memory_core`.

    It is this file's own, or, for the module `lessonbank` of an editable installation, the one
    that `site` added last.
    """
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH120, PTH100
    places = [here, os.path.dirname(here), *reversed(sys.path)]  # noqa: PTH120
    own = os.path.join("server", "launch.py")  # noqa: PTH118
    return next(one for one in places if os.path.isfile(os.path.join(one, own)))  # noqa: PTH113, PTH118


_ROOT = _home()


def main() -> int:
    """Run the command, with nothing of the project around it."""
    shut_out_others()
    key = os.urandom(12).hex()
    code = _named("server.typed").carried_out(sys.argv[1:], key)
    if code is not None:
        os._exit(code)  # all is written; to tear Python down takes a fifth of the time
    return int(_named("server.__main__").main(key))


def _named(module: str) -> "ModuleType":
    """A module by its name, since this is the lowest layer; `importlib` would be one more."""
    __import__(module)
    return sys.modules[module]


def shut_out_others() -> None:
    """Rid this process and those it starts of imports from places that are not ours.

    Called once, by a process's first module.
    """
    named = _folders(os.environ.get("PYTHONPATH", ""))
    others = {_same(one) for one in named}
    installed = {_same(one) for one in _installed()}
    found_by_it = _same(_ROOT) in others - installed
    if not getattr(sys.flags, "safe_path", False):
        others.add(_same(sys.path[0]))  # the working directory, or a script's folder
    others -= installed | {_same(_ROOT)}
    own = [one for one in sys.path if _same(one) not in others]
    if found_by_it:  # what lessonbank needs may be there as well, where nothing else has it
        own = [_ROOT, *(one for one in own if _same(one) != _same(_ROOT)), *named]
    sys.path[:] = dict.fromkeys(own)
    _forget(others)
    os.environ["PYTHONSAFEPATH"] = "1"
    kept = for_children()
    os.environ.pop("PYTHONPATH", None)
    if kept:
        os.environ["PYTHONPATH"] = kept


def for_children() -> str:
    """Give the PYTHONPATH by which a Python that this process starts finds lessonbank, or ""."""
    if _same(_ROOT) in {_same(one) for one in _installed()}:
        return ""
    named = _folders(os.environ.get("PYTHONPATH", ""))
    found_by_it = _same(_ROOT) in {_same(one) for one in named}
    rest = [one for one in named if _same(one) != _same(_ROOT)] if found_by_it else []
    return os.pathsep.join([_ROOT, *rest])


def _folders(value: str) -> list[str]:
    return [_absolute(one) for one in value.split(os.pathsep)] if value else []


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)  # noqa: PTH100
    except OSError:  # a relative one, and the working directory is gone
        return path


_KNOWN: dict[str, str] = {}
"""What was found of a folder: a start asks of each of a few some four times."""


def _same(path: str) -> str:
    """One text for all ways to write a folder."""
    if path not in _KNOWN:
        try:
            _KNOWN[path] = os.path.normcase(os.path.realpath(path))
        except (OSError, ValueError):
            _KNOWN[path] = path
    return _KNOWN[path]


def _installed() -> list[str]:
    """Where the standard library and installed packages are; `site` is there since the start."""
    site = sys.modules.get("site")
    packages = [*site.getsitepackages(), site.getusersitepackages()] if site else []
    return [os.path.dirname(os.__file__), *packages]  # noqa: PTH120


def _forget(folders: set[str]) -> None:
    """Let go of modules that were imported from these before this process was ours."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if "." in name or name == "__main__" or not file:
            continue
        folder = os.path.dirname(file)  # noqa: PTH120
        if os.path.basename(file).startswith("__init__."):  # noqa: PTH119
            folder = os.path.dirname(folder)  # noqa: PTH120
        if _same(folder) in folders:
            for one in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
                del sys.modules[one]


if __name__ == "__main__":
    sys.exit(main())
