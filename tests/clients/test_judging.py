from __future__ import annotations

from dataclasses import replace

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.judging import Run, checks
from tests.clients.model.serving import Exchange
from tests.clients.model.turn import Done, Say, Tool, Turn
from tests.clients.processes import Ended, Process
from tests.clients.scripts import ANSWER, SEED, answer_alone, loop

TOOLS = tuple(
    Tool(f"mcp__lessonbank__{one}", {}) for one in ("recall", "report_outcome", "remember")
)
RECALLED = f'{{"recall_id":"rec_01234567","title":"{SEED[0]}","next":"then report_outcome"}}'
CALLS = (
    Done(TOOLS[0].name, {}, RECALLED),
    Done(TOOLS[1].name, {}, '{"outcome_id":"out_01234567"}'),
    Done(TOOLS[2].name, {}, '{"id":"item_01234567"}'),
)
CLAUDE = next(one for one in CLIENTS if one.name == "claude-code")


def run(*turns: Turn, client: Client = CLAUDE, said: str = ANSWER, stored: bool = True) -> Run:
    heard = [Exchange(2.0 + at, turn, Say("")) for at, turn in enumerate(turns)]
    ended = Ended(0, f"{said}\n", "", 1.0, served=0.5)
    return Run(client, "stdio", loop("a lesson"), heard, ended, [], stored)


GOOD = run(Turn(TOOLS, (), ""), Turn(TOOLS, CALLS, ""))


def broken(one: Run) -> list[str]:
    return [check.name for check in checks(one) if not check.ok]


def test_a_run_that_keeps_every_promise_is_told_in_its_row() -> None:
    assert not broken(GOOD)
    assert (GOOD.first, GOOD.sees, GOOD.next_step, GOOD.seconds) == ("yes", "data", True, 1.5)


def test_tools_that_come_late_are_a_fault_unless_the_client_shows_all_after_a_search() -> None:
    search = Turn((Tool("tool_search", {}),), (), " ".join(one.name for one in TOOLS))
    late = run(search, Turn(TOOLS, CALLS, ""))
    assert broken(late) == ["tools in the first request"]
    assert not broken(replace(late, client=replace(CLAUDE, deferred=True)))


def test_an_error_in_place_of_an_answer_is_named_with_its_tool() -> None:
    refused = (CALLS[0], replace(CALLS[1], result="evidence.log = None is not valid."), CALLS[2])
    assert broken(run(Turn(TOOLS, refused, ""))) == ["report_outcome came back"]


def test_calls_that_never_happened_are_named() -> None:
    assert broken(run(Turn(TOOLS, CALLS[:1], ""), stored=False)) == [
        "report_outcome came back",
        "remember came back",
        "the lesson is stored",
    ]


def test_whatever_is_printed_beside_the_answer_counts_where_only_it_may_be_printed() -> None:
    more = replace(GOOD, ended=replace(GOOD.ended, out=f"{ANSWER}\nNoted.\n"))
    assert broken(more) == ["prints the answer"]
    assert not broken(replace(more, client=replace(CLAUDE, only_answer=False)))


def test_a_server_that_is_left_running_is_a_fault_and_a_clients_own_daemon_is_not() -> None:
    left = [Process(1, ("lessonbank", "serve"), 0.0), Process(2, ("cline", "--hub"), 0.0)]
    client = replace(CLAUDE, stays="--hub")
    assert broken(replace(GOOD, left=left, client=client)) == ["nothing left running"]
    assert not broken(replace(GOOD, left=left[1:], client=client))


def test_a_program_that_fails_or_never_ends_is_a_fault() -> None:
    for code in (1, None):
        assert broken(replace(GOOD, ended=replace(GOOD.ended, code=code))) == ["runs to its end"]


def test_the_hooks_notes_have_to_be_in_the_first_request() -> None:
    hooked = replace(GOOD, client=replace(CLAUDE, hooked=True))
    assert broken(hooked) == ["the hook's notes are in the first request"]
    first = replace(GOOD.heard[0], turn=Turn(TOOLS, (), "<lessonbank-notes>"))
    assert not broken(replace(hooked, heard=[first, *GOOD.heard[1:]]))


def test_a_script_without_calls_asks_for_the_answer_alone() -> None:
    quiet = replace(GOOD, script=answer_alone(), heard=GOOD.heard[:1], stored=False)
    assert not broken(quiet)
