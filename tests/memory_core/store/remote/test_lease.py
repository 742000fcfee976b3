"""The lease alone: who gets it when, by whose clock, over a bucket that answers or does not."""

from __future__ import annotations

import itertools

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.store.remote.lease import MARGIN, Lease, awake_clock, read_claim
from memory_core.store.remote.objects import BucketUnavailable, Found, Objects


class FakeObjects(Objects):
    """Objects in memory.

    `down`: no answer; `deaf`: what is put lands, the answer is lost; `twice`: the client
    sends what got no answer once more, and is told that the condition does not hold.
    `heedless`: every put lands, whatever its condition.
    """

    def __init__(self) -> None:
        super().__init__("s3://fake/prefix")
        self.down = self.deaf = self.twice = self.heedless = False
        self.held: dict[str, Found] = {}
        self._tags = itertools.count()

    def _answer(self) -> None:
        if self.down:
            raise BucketUnavailable("down")

    def get(self, name: str) -> Found | None:
        self._answer()
        return self.held.get(name)

    def put_new(self, name: str, content: bytes) -> str | None:
        self._answer()
        if name in self.held and not self.heedless:
            return None
        return self._told(self._put(name, content))

    def put_over(self, name: str, content: bytes, tag: str) -> str | None:
        self._answer()
        there = self.held.get(name)
        if (there is None or there.tag != tag) and not self.heedless:
            return None
        return self._told(self._put(name, content))

    def _told(self, tag: str) -> str | None:
        return None if self.twice else tag

    def put(self, name: str, content: bytes) -> None:
        self._answer()
        self._put(name, content)

    def delete(self, name: str) -> None:
        self._answer()
        self.held.pop(name, None)

    def names(self, folder: str) -> list[str]:
        self._answer()
        return sorted(name for name in self.held if name.startswith(folder))

    def _put(self, name: str, content: bytes) -> str:
        self.held[name] = Found(content, f"tag {next(self._tags)}")
        if self.deaf:
            raise BucketUnavailable("no answer")
        return self.held[name].tag


class Clock:
    """A clock of one machine's own, far from the others'."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def lease_of(objects: FakeObjects, name: str, clock: Clock) -> Lease:
    return Lease(objects, name, who=f"machine {name}", length=10.0, clock=clock)


@pytest.fixture
def objects() -> FakeObjects:
    return FakeObjects()


@pytest.fixture
def clocks() -> tuple[Clock, Clock]:
    return Clock(1e6), Clock(-5.0)


def test_one_of_two_gets_it(objects: FakeObjects, clocks: tuple[Clock, Clock]) -> None:
    one, other = lease_of(objects, "a", clocks[0]), lease_of(objects, "b", clocks[1])
    assert one.try_acquire()
    assert not other.try_acquire()
    assert (one.held(9.9), one.held(10.1), other.held()) == (True, False, False)
    assert other.other is not None
    assert other.other.who == "machine a"


def test_it_is_taken_over_only_after_it_stood_still_by_the_candidates_clock(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    one, other = lease_of(objects, "a", clocks[0]), lease_of(objects, "b", clocks[1])
    assert one.try_acquire()
    assert not other.try_acquire()
    clocks[1].now += MARGIN * 10.0
    assert not other.try_acquire()
    assert one.renew()
    clocks[1].now += 1.0
    assert not other.try_acquire()
    assert other.beats == 1
    clocks[1].now += MARGIN * 10.0 + 0.1
    assert other.try_acquire()
    assert (other.epoch, other.continuous) == (2, False)
    assert not one.renew()
    assert one.lost
    assert not one.held()
    assert one.other is not None
    assert one.other.who == "machine b"


def test_the_holders_own_count_ends_before_a_candidates_does(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    one, other = lease_of(objects, "a", clocks[0]), lease_of(objects, "b", clocks[1])
    assert one.try_acquire()
    assert not other.try_acquire()
    for clock in clocks:
        clock.now += 10.0
    assert not one.held()
    assert not other.try_acquire()


def test_a_released_lease_is_free_at_once(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    one, other = lease_of(objects, "a", clocks[0]), lease_of(objects, "b", clocks[1])
    assert one.try_acquire()
    one.release()
    assert not one.held()
    assert other.try_acquire()
    assert other.epoch == 2


def test_the_same_copy_takes_its_own_lease_back_at_once(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    assert lease_of(objects, "a", clocks[0]).try_acquire()
    again = lease_of(objects, "a", clocks[1])
    assert again.try_acquire()
    assert (again.epoch, again.continuous) == (2, True)


def test_a_bucket_that_does_not_answer_loses_nothing_while_nobody_else_takes_it(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    one = lease_of(objects, "a", clocks[0])
    assert one.try_acquire()
    objects.down = True
    clocks[0].now += 100.0
    with pytest.raises(BucketUnavailable):
        one.renew()
    assert not one.held()
    assert not one.lost
    objects.down = False
    assert one.renew()
    assert one.held(9.0)


def test_an_answer_that_was_lost_does_not_lose_the_lease(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    one = lease_of(objects, "a", clocks[0])
    objects.deaf = True
    with pytest.raises(BucketUnavailable):
        one.try_acquire()
    objects.deaf = False
    assert one.try_acquire()
    objects.deaf = True
    with pytest.raises(BucketUnavailable):
        one.renew()
    objects.deaf = False
    assert one.renew()
    assert one.held(9.0)


def test_a_put_that_was_sent_twice_is_known_as_ones_own(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    objects.twice = True
    one, two = lease_of(objects, "a", clocks[0]), lease_of(objects, "b", clocks[1])
    assert one.try_acquire()
    assert one.renew()
    assert not two.try_acquire()
    made = objects.put_own("tokens.json", b"mine")
    assert made is not None
    assert objects.put_own("tokens.json", b"another's") is None
    assert objects.put_own("tokens.json", b"mine, later", made) is not None
    assert objects.put_own("tokens.json", b"too late", made) is None


@pytest.mark.parametrize("twice", [False, True])
def test_a_place_whose_answers_are_lost_is_not_refused(objects: FakeObjects, twice: bool) -> None:
    objects.twice = twice
    objects.require_conditions()
    assert objects.names("") == []
    objects.heedless = True
    with pytest.raises(StoreUnavailable, match="does not honour conditional puts"):
        objects.require_conditions()


def test_a_lease_that_was_deleted_is_lost(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    one = lease_of(objects, "a", clocks[0])
    assert one.try_acquire()
    objects.held.clear()
    assert not one.renew()
    assert one.lost


def test_a_claim_that_makes_no_sense_is_watched_like_any_other(
    objects: FakeObjects, clocks: tuple[Clock, Clock]
) -> None:
    objects.held["lease.json"] = Found(b"\xff no json", "tag")
    one = lease_of(objects, "a", clocks[0])
    assert not one.try_acquire()
    clocks[0].now += 2 * MARGIN * read_claim(b"").length
    assert one.try_acquire()


def test_the_clock_never_goes_back() -> None:
    first = awake_clock()
    assert awake_clock() >= first
