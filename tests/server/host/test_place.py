from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from server.host import place as places
from server.host.place import (
    LONGEST_SOCKET,
    Announcement,
    Holder,
    HostRefused,
    Place,
    known_place,
    place_of,
)
from server.host.starting import kill

SAID = Announcement(1, "1.2.3", 1, "secret", socket="/somewhere")


def test_what_is_announced_is_read_by_its_owner_only(tmp_path: Path) -> None:
    place = place_of(tmp_path / "store")
    assert place.read() is None
    place.announce(SAID)
    assert place.read() == SAID
    assert stat.S_IMODE(place.announcement.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_only_ones_own_announcement_is_withdrawn(tmp_path: Path) -> None:
    place = place_of(tmp_path / "store")
    place.announce(SAID)
    place.withdraw(Announcement(2, "1.2.3", 1, "other"))
    assert place.read() == SAID
    place.withdraw(SAID)
    assert place.read() is None


def test_the_host_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of(tmp_path / "store")
    place.announce(SAID)
    monkeypatch.setattr(os, "geteuid", lambda: place.folder.stat().st_uid + 1)
    with pytest.raises(HostRefused, match="another user"):
        place_of(tmp_path / "store")
    with pytest.raises(HostRefused, match="LESSONBANK_STORE"):
        place.read()


def test_a_store_that_cannot_be_written_has_its_host_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    store = tmp_path / "store"
    (store / "host").mkdir(parents=True)
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != store / "host" and real(path, mode)
    )
    place = place_of(store)
    assert place.folder.is_relative_to(tmp_path / "run")
    assert place_of(store) == place
    assert place_of(tmp_path / "other").folder != place.folder


def test_a_socket_path_fits_every_system(tmp_path: Path) -> None:
    near, far = place_of(tmp_path / "s"), place_of(tmp_path / ("long" * 25) / "store")
    for place in (near, far):
        assert len(os.fsencode(place.socket_path())) <= max(
            LONGEST_SOCKET, len(os.fsencode(places._runtime_folder(place.store) / "socket"))
        )
    assert not far.socket_path().startswith(str(far.folder))


def test_nothing_is_made_by_asking_for_a_place(tmp_path: Path) -> None:
    assert known_place(tmp_path / "store") is None
    assert list(tmp_path.iterdir()) == []


def copied(place: Place, to: Path) -> Path:
    shutil.copytree(place.store, to, copy_function=shutil.copy2)
    return to


def test_what_came_with_a_copied_store_is_of_no_host(tmp_path: Path) -> None:
    place = place_of(tmp_path / "store")
    place.lock.touch()
    place.announce(SAID)
    place.hold(Holder(os.getpid(), "mark"))
    copy = known_place(copied(place, tmp_path / "copy"))
    assert copy is not None
    assert (copy.read(), copy.holder()) == (None, None)
    assert not kill(copy)
    copy.withdraw(SAID)  # another's: it stays, and is replaced when a host announces itself
    other = SAID._replace(pid=2)
    copy.announce(other)
    assert (copy.read(), place.read()) == (other, SAID)


def test_a_snapshot_put_in_a_stores_place_is_of_no_host(tmp_path: Path) -> None:
    place = place_of(tmp_path / "store")
    place.announce(SAID)
    place.store.rename(tmp_path / "away")
    shutil.copytree(tmp_path / "away", tmp_path / "store")
    assert place_of(tmp_path / "store").read() is None
    assert place_of(tmp_path / "away").read() == SAID  # moved: the same folder


def test_a_store_is_the_same_through_a_link(tmp_path: Path) -> None:
    place = place_of(tmp_path / "store")
    place.announce(SAID)
    (tmp_path / "link").symlink_to(tmp_path / "store")
    assert place_of(tmp_path / "link").read() == SAID
    # another path to the same folder, as a bind mount gives one
    assert Place(tmp_path / "link", place.folder).read() == SAID


def test_a_host_of_an_earlier_version_is_still_known(tmp_path: Path) -> None:
    place = place_of(tmp_path / "store")
    place.announcement.write_text(json.dumps(SAID._asdict()))
    assert place.read() == SAID
