"""All checks in the order of a start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from memory_core.addresses import is_database
from memory_core.doctor import machine, store_checks
from memory_core.doctor.results import Check, Report, failed_with, not_checked, passed
from memory_core.errors import ModelUnavailable, StoreUnavailable
from memory_core.model_files import find_model
from memory_core.settings import Settings
from memory_core.store.meta import Meta


def check_bucket(url: str) -> Check:
    """Check that it answers, lets us write, and honours conditional puts."""
    from memory_core.store.remote.follower import claim_of
    from memory_core.store.remote.reaching import objects_at

    name = "database" if is_database(url) else "bucket"
    try:
        objects = objects_at(url)
        claim = claim_of(objects)
        objects.require_conditions()
    except StoreUnavailable as error:
        return failed_with(name, error)
    who = f"{claim.who or 'somebody'} writes to it" if claim is not None else "nobody writes to it"
    return passed(name, f"{url} answers and honours conditional puts; {who} now.")


def check_model(model: str) -> tuple[Check, str]:
    """Check the weights of the model in use.

    Returns:
        The check, and the model's name ("" when it is not there).
    """
    try:
        files = find_model(model, fetch=False)
    except ModelUnavailable as error:
        return failed_with("model", error), ""
    size = sum(path.stat().st_size for path in files.weights) / 1024**2
    known = "the packaged weights, unaltered" if not model else f"SHA-256 {files.sha256}"
    return passed("model", f"{files.name}, {size:,.0f} MB, {known}."), files.name


def _check_records(folder: Path, known: Meta | None, index: str, packages: Check) -> list[Check]:
    """Check the log and the index, unless what reads them would end this process."""
    if packages.status == "fail":
        why = "The packages that read it cannot be imported."
        return [not_checked(name, why) for name in ("log", "index")]
    from memory_core.doctor import log_checks

    return [log_checks.check_log(folder, known), log_checks.check_index(folder, known, index)]


def examine(
    settings: Settings,
    port: int,
    packages: dict[str, str] | None = None,
    loaded: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Give what a start with these settings would stumble over.

    Args:
        settings: Where the store and the model are.
        port: Default port of the HTTP doors.
        packages: Distributions and modules to import, lessonbank's own by default.
        loaded: Whether a host of this version runs and has loaded them already; they are
            not imported once more then, which takes ten seconds of a processor.
        tell: Called with what is looked at next; the packages take some seconds.
    """
    folder = settings.store.absolute()
    tell("the machine")
    checks = [machine.check_python(), machine.check_processor()]
    tell("the packages (they are imported as a start does, which takes some seconds)")
    imported = machine.check_packages(packages, loaded=loaded)
    checks.append(imported)
    tell("the model")
    model, embedder = check_model(settings.model)
    checks.append(model)
    tell("the store")
    meta, known = store_checks.check_meta(folder, embedder)
    checks += [
        store_checks.check_folder(folder),
        store_checks.check_hard_links(folder),
        store_checks.check_owner(folder),
        meta,
        *_check_records(folder, known, settings.index, imported),
        store_checks.check_quarantine(folder),
        store_checks.check_learner(folder),
        machine.check_disk(folder),
        machine.check_port(port),
    ]
    if settings.remote:
        tell("the shared store")
        checks.append(check_bucket(settings.remote))
    return Report(ok=all(check.status != "fail" for check in checks), checks=tuple(checks))
