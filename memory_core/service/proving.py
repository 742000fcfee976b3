"""What the learner knows of itself, for people: the record with titles, tasks and a verdict."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from memory_core.answers import ScorerReport
from memory_core.caller import OWNER, Caller
from memory_core.model import OutcomeRecord
from memory_core.proof_answers import Harm, HarmfulItem, HarmReport, MovedItem, ProofDetails
from memory_core.scorer.experts import EXPERTS
from memory_core.scorer.intervals import exact_interval
from memory_core.scorer.ordering import Move
from memory_core.scorer.proof import Harmed, Record, reliability
from memory_core.scorer.shares import FEWEST
from memory_core.service.clusters import iso
from memory_core.service.core import NOT_SHOWN, Core

if TYPE_CHECKING:  # torch comes with it, later
    from memory_core.service.trainer import Trainer

SHOWN = 10
"""Moved items, harmful reports and harmful items that are shown."""
TASK_SHOWN = 160


class Proving:
    """Shows the record of one store's learner."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def scorer(self, caller: Caller = OWNER) -> ScorerReport:
        """What the learner knows of itself; see the port."""
        trainer = self._core.trainer
        found = self._without_learner() if trainer is None else self._with_learner(trainer)
        if caller.projects is not None:
            found = self._limited(found, caller, caller.projects)
        speaking = self._core.speech.told(caller.projects)
        details = found.details.model_copy(update={"speaking": speaking})
        return found.model_copy(update={"details": details})

    def _limited(
        self, found: ScorerReport, caller: Caller, projects: tuple[str, ...]
    ) -> ScorerReport:
        """The report without what tells of projects that the caller does not see.

        How far the learner moves an order stays: it moves this caller's orders too.
        """
        labelled = self._labelled(caller)[:SHOWN]
        harm = Harm(
            reports=0,
            newest=(),
            labelled=labelled,
            rollbacks=0,
            sentence=_harm_sentence(0, len(labelled), 0),
        )
        return found.model_copy(
            update={
                "version": "",
                "reports": self._core.tally.reports(projects),
                "trained": 0,
                "pending": 0,
                "proof": Record().proof().model_copy(update={"sentence": NOT_SHOWN}),
                "calibration_error": None,
                "rollbacks": 0,
                "details": ProofDetails(verdict=NOT_SHOWN, harm=harm),
            }
        )

    def _without_learner(self) -> ScorerReport:
        core = self._core
        off = core.settings.scorer_mode == "similarity"
        state = "off" if off else "loading: similarity order until the log is learned"
        return ScorerReport(
            mode=core.settings.scorer_mode,
            version="v0",
            reports=core.tally.reports(),
            trained=0,
            pending=0 if off else core.tally.reports(),
            weight=0.0,
            weights={},
            proof=Record().proof(),
            calibration_error=None,
            rollbacks=0,
            state=state,
            parameters=0,
            details=ProofDetails(
                verdict=f"No verdict: the learner is {state.partition(':')[0]}.",
                harm=self._harm((), 0, 0),
                memory=core.holdout.gain(),
            ),
        )

    def _with_learner(self, trainer: Trainer) -> ScorerReport:
        core, learner = self._core, trainer.learner
        snapshot, record = learner.snapshot, learner.record
        history = list(record.history.points)
        if record.reports and (not history or history[-1][0] != record.reports):
            history.append((record.reports, record.weight))
        return ScorerReport(
            mode=core.settings.scorer_mode,
            version=snapshot.version,
            reports=core.tally.reports(),
            trained=snapshot.reports,
            pending=trainer.pending,
            weight=round(snapshot.weight, 4),
            weights={
                name: round(float(value), 4)
                for name, value in zip(EXPERTS, snapshot.fit.weights, strict=True)
            },
            proof=record.proof(),
            calibration_error=record.calibration_error,
            rollbacks=learner.gate.rollbacks,
            state=trainer.state,
            parameters=learner.networks.parameters,
            details=ProofDetails(
                verdict=verdict(record),
                history=tuple((reports, round(weight, 3)) for reports, weight in history),
                calibration=reliability(list(record.predictions)),
                order=record.order.proof(),
                pushes=record.order.pushes(),
                moved=tuple(self._moved(m) for m in reversed(list(record.order.moves)[-SHOWN:])),
                harm=self._harm(tuple(record.harms), record.harmed, learner.gate.rollbacks),
                memory=core.holdout.gain(),
            ),
        )

    # -- with titles and tasks -----------------------------------------------------

    def _title(self, item_id: str) -> str:
        line = self._core.catalogue.get(item_id)
        return line.title if line is not None else ""

    def _present(self, owner: str, outcome_id: str) -> OutcomeRecord | None:
        """What is believed now of a recall's outcome: its newest correction."""
        core = self._core
        return core.reports.by_owner.get(owner) or core.reports.by_id.get(outcome_id)

    def _moved(self, move: Move) -> MovedItem:
        outcome = self._present(move.owner, move.outcome_id)
        verdicts = {1: "well", -1: "badly"}
        return MovedItem.model_validate(
            {
                "item_id": move.item_id,
                "title": self._title(move.item_id),
                "recall_id": outcome.recall_id if outcome else "",
                "task": outcome.task[:TASK_SHOWN] if outcome else "",
                "similarity_rank": move.place + 1,
                "served_rank": move.position + 1,
                "verdict": verdicts.get(move.verdict, "open"),
                "at": iso(outcome.at) if outcome else "",
            }
        )

    def _harm(self, newest: tuple[Harmed, ...], count: int, rollbacks: int) -> Harm:
        labelled = self._labelled()
        return Harm(
            reports=count,
            newest=tuple(self._harm_report(harmed) for harmed in reversed(newest)),
            labelled=labelled[:SHOWN],
            rollbacks=rollbacks,
            sentence=_harm_sentence(count, len(labelled), rollbacks),
        )

    def _harm_report(self, harmed: Harmed) -> HarmReport:
        outcome = self._present(harmed.owner, harmed.outcome_id)
        return HarmReport(
            outcome_id=harmed.outcome_id,
            recall_id=outcome.recall_id if outcome else "",
            task=outcome.task[:TASK_SHOWN] if outcome else "",
            first_id=harmed.first_id,
            first_title=self._title(harmed.first_id),
            learned=round(harmed.learned, 4),
            similarity=round(harmed.similarity, 4),
            changed=harmed.changed,
            held_out=harmed.held_out,
            at=iso(outcome.at) if outcome else "",
        )

    def _labelled(self, caller: Caller = OWNER) -> tuple[HarmfulItem, ...]:
        """Items with harmful labels, the most harmful first, as far as the caller sees them."""
        reported = [
            r for r in list(self._core.reports.by_owner.values()) if caller.works_in(r.project)
        ]
        harmful = Counter(item_id for one in reported for item_id in one.harmful)
        helpful = Counter(item_id for one in reported for item_id in one.helpful)
        order = sorted(harmful, key=lambda i: (helpful[i] - harmful[i], -harmful[i], i))
        lines = {item_id: self._core.catalogue.get(item_id) for item_id in order}
        return tuple(
            HarmfulItem(
                item_id=item_id,
                title=line.title,
                state=line.state,
                harmful=harmful[item_id],
                helpful=helpful[item_id],
            )
            for item_id, line in lines.items()
            if line is not None and caller.sees(line.project)
        )


def verdict(record: Record) -> str:
    """One plain sentence on whether learning pays, from the whole record."""
    if record.reports < FEWEST:
        so_far = "1 report" if record.reports == 1 else f"{record.reports} reports"
        return f"Too early to tell: {so_far} so far, {FEWEST} are the least."
    weight = record.weight
    if weight == 0.0:
        return (
            "Learning is switched to zero for now: it predicted your outcomes worse than "
            "similarity, which serves alone until that changes."
        )
    if weight < 1.0:
        return (
            f"Learning is held back to {weight:.0%} of its force: lately it did not predict your "
            "outcomes better than similarity."
        )
    low, high = exact_interval(record.wins, record.losses)
    if low > 0.5:
        return "Learning helps: it predicts your held-out outcomes better than similarity does."
    if high < 0.5:
        return "Learning does not pay so far: similarity predicts your held-out outcomes better."
    if record.strength >= 2.0:
        return (
            "Learning seems to help: over your last reports it predicted better than similarity; "
            "the held-out reports are too few to be sure."
        )
    return "Not decided: so far learning and similarity predict your outcomes about equally well."


def _harm_sentence(reports: int, labelled: int, rollbacks: int) -> str:
    if not reports and not labelled and not rollbacks:
        return "No harm found."
    parts = []
    if reports:
        failed = "1 report" if reports == 1 else f"{reports} reports"
        parts.append(f"{failed} failed where similarity was the better warning")
    if labelled:
        items = "1 item has" if labelled == 1 else f"{labelled} items have"
        parts.append(f"{items} a harmful label")
    if rollbacks:
        times = "once" if rollbacks == 1 else f"{rollbacks} times"
        parts.append(f"new networks predicted worse and were taken back {times}")
    return f"{'; '.join(parts)}."
