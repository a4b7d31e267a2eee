"""The training loop.

Everything random in it is a function of the seed, the epoch and the step: an interrupted run that is
resumed from its saved state does exactly what it would have done.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from trichord.errors import RecipeError, TrichordError
from trichord.kinds import nearest
from trichord.learning.batch import Batch, Item, collate
from trichord.learning.heads.head import Head
from trichord.learning.model import Model
from trichord.learning.objectives.objective import Objective, Outputs, Surroundings, changing
from trichord.learning.recipe import Recipe
from trichord.learning.training.data import Data
from trichord.learning.training.lending import lend_weights, origin_of
from trichord.learning.training.optimise import Average, learning_rate, make_optimizer
from trichord.learning.training.run import RunFolder
from trichord.learning.training.sampling import batches_to_measure, plan_batches, seconds_of
from trichord.learning.training.validate import (
    head_losses,
    loss_alone,
    predict,
    rate_of,
    score,
    weighted_sum,
)
from trichord.metrics import HIGHER_IS_BETTER


class Watcher(Protocol):
    """Sees a training go by: a progress bar, a log."""

    def batch_done(self, epoch: int, batch: int, batches: int, loss: float) -> None: ...

    def epoch_done(self, row: dict[str, Any]) -> None: ...


class Learner:
    """A model while it learns, with all that a resumed run must restore."""

    def __init__(self, recipe: Recipe, data: Data, run: RunFolder, *, accelerator: str = "cpu") -> None:
        self.recipe, self.data, self.run, self.training = recipe, data, run, recipe.training
        check_monitor(recipe)
        torch.manual_seed(self.training.seed)
        self.raw = Model(recipe, data.specs)
        for name, encoder in self.raw.encoders.items():
            encoder.front.fit(item.inputs[name] for item in data.train if name in item.inputs)
        self.origin = origin_of(recipe)
        for source in self.training.start_from:
            lend_weights(source, self.raw, self.training.start_heads)
        self.objectives = recipe.objectives
        for objective in self.objectives:
            objective.build(self.surroundings())
        self.fabric = Fabric(accelerator=accelerator, devices=1, precision=self.training.precision)
        self.learned = nn.ModuleList(recipe.objectives).to(self.fabric.device)  # an objective may learn too
        together = nn.ModuleList([self.raw, self.learned])
        optimizer = make_optimizer(together.parameters(), self.training)
        self.model, self.optimizer = self.fabric.setup(self.raw, optimizer)
        self.average = Average(self.raw, self.training.average) if self.training.average else None
        self.seconds = [self.lasting(item) for item in data.train]
        self.epoch, self.batch, self.step, self.loss_sum = 0, 0, 0, 0.0
        self.best, self.best_epoch = math.inf, 0

    @property
    def judges(self) -> Mapping[str, Head]:
        """The heads that tell the losses."""
        return self.raw.judging(self.recipe.heads)

    def lasting(self, item: Item) -> float:
        """Return how many seconds of a training item are learned from at once, as it is or changed."""
        as_it_is = changed = seconds_of(item, self.data.specs, self.recipe.clock)
        for objective in self.objectives:
            changed = objective.lasting(changed)
        return max(as_it_is, changed) if self.training.plain else changed

    def surroundings(self) -> Surroundings:
        return Surroundings(
            self.data.specs,
            self.draw,
            self.recipe.dim,
            labels_of(self.recipe),
            shapes=self.raw.shapes,
            fused=self.raw.width,
            heads=self.judges,
            items=self.data.train,
            fronts={name: encoder.front for name, encoder in self.raw.encoders.items()},
        )

    def draw(self, n: int, rng: np.random.Generator) -> Sequence[Item]:
        return [self.data.train[index] for index in rng.integers(len(self.data.train), size=n)]

    def learn(self, watcher: Watcher) -> None:
        """Learn until the last epoch, or until patience ends; saves state on the way and on interruption."""
        with patient_interrupts() as interrupted:
            while not self.done:
                self.learn_epoch(watcher, interrupted)

    @property
    def done(self) -> bool:
        """Whether the last epoch is reached, or patience is at its end."""
        training = self.training
        impatient = training.patience is not None and self.epoch - self.best_epoch >= training.patience
        return impatient or self.epoch >= training.epochs

    def learn_epoch(self, watcher: Watcher, interrupted: Callable[[], bool]) -> None:
        plan = plan_batches(
            self.seconds, self.training.batch_seconds, seed=self.training.seed, epoch=self.epoch
        )
        self.model.train()
        self.learned.train()
        saved = started = time.monotonic()
        for indices in plan[self.batch :]:
            progress = (self.epoch + (self.batch + 0.5) / len(plan)) / self.training.epochs
            loss = self.learn_batch([self.data.train[index] for index in indices], progress)
            self.batch, self.step, self.loss_sum = self.batch + 1, self.step + 1, self.loss_sum + loss
            watcher.batch_done(self.epoch, self.batch, len(plan), loss)
            if interrupted():
                self.save()
                raise KeyboardInterrupt
            if time.monotonic() - saved >= self.training.save_seconds:
                self.save()
                saved = time.monotonic()
        row = {"epoch": self.epoch + 1, "train_loss": self.loss_sum / len(plan)} | self.validate()
        for objective in self.objectives:
            objective.epoch_done()
        row["seconds"] = round(time.monotonic() - started, 2)
        self.epoch, self.batch, self.loss_sum = self.epoch + 1, 0, 0.0
        self.keep_best(row)
        self.run.append_history(row)
        self.save()
        watcher.epoch_done(row)
        if interrupted():
            raise KeyboardInterrupt

    def learn_batch(self, items: Sequence[Item], progress: float) -> float:
        rng = np.random.default_rng([self.training.seed, 1, self.step])
        torch.manual_seed(int(rng.integers(2**62)))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(progress, self.training)
        objectives = [one for one in self.objectives if progress >= self.training.plain or not one.changes]
        for objective in objectives:
            objective.progress = progress
            items = objective.change(items, rng)
        loss = self.loss(collate(items, self.data.specs), objectives)
        if not torch.isfinite(loss):
            raise TrichordError(
                f"the loss became {float(loss)} at step {self.step}; lower training.learning_rate"
            )
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        learned = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(learned, self.training.clip_norm)
        if torch.isfinite(norm):  # a batch whose gradient overflows teaches nothing, and harms nothing
            self.optimizer.step()
        if self.average:
            self.average.update(self.raw, self.step)
        return float(loss.detach())

    def loss(self, batch: Batch, objectives: Sequence[Objective]) -> Tensor:
        outputs = self.model(self.fabric.to_device(dict(batch.inputs)), changing(objectives))
        losses: Mapping[str, Tensor] = head_losses(self.judges, outputs.logits, batch)
        for objective in objectives:
            losses = objective.weigh(losses, outputs, batch)
        loss = weighted_sum(self.recipe.heads, losses)
        for objective in objectives:
            if (more := objective.loss(outputs, batch)) is not None:
                loss = loss + more
        return loss

    @property
    def kept(self) -> Model:
        """The model that is validated and kept: the average where there is one."""
        return self.average.model if self.average else self.raw

    def validate(self) -> dict[str, float]:
        if not self.data.valid:
            return {}
        items, heads = self.data.valid, self.recipe.heads
        batches = validation_batches(self.recipe, self.data)
        self.learned.eval()
        if not heads:
            return {"valid_loss": loss_alone(self.kept, self.objectives, items, batches, self.data.specs)}
        logits, loss = predict(self.kept, heads, items, batches, self.data.specs, self.hear)
        return {"valid_loss": loss} | score(
            heads, items, logits, rate_of(self.data.specs, self.recipe.clock), self.kept
        )

    def hear(self, outputs: Outputs, batch: Batch) -> None:
        for objective in self.objectives:
            objective.hear(outputs, batch)

    def keep_best(self, row: dict[str, float]) -> None:
        """Write the weights if this epoch validated best, or if there is nothing to validate on."""
        value = self.monitored(row)
        if value < self.best or self.best_epoch == 0 or not self.data.valid:
            self.best, self.best_epoch = value, self.epoch
            self.run.write_weights(self.kept, self.origin)

    def monitored(self, row: dict[str, float]) -> float:
        """Return the value that chooses the epoch, turned so that lower is better."""
        if not self.data.valid:
            return math.inf
        name = self.training.monitor
        value = row["valid_loss" if name == "loss" else name]
        if math.isnan(value):
            return math.inf
        return -value if name.rpartition(".")[2] in HIGHER_IS_BETTER else value

    def save(self) -> None:
        state = {
            "model": self.raw.state_dict(),
            "objectives": self.learned.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.model.state_dict() if self.average else None,
            "counters": [self.epoch, self.batch, self.step, self.best_epoch],
            "sums": [self.loss_sum, self.best],
        }
        self.run.write_state(state)

    def resume(self) -> bool:
        """Take back the saved state, if there is one."""
        state = self.run.read_state()
        if state is None:
            self.run.cut_history(0)
            return False
        self.raw.load_state_dict(state["model"])
        self.learned.load_state_dict(state["objectives"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.model.load_state_dict(state["average"])
        self.epoch, self.batch, self.step, self.best_epoch = state["counters"]
        self.loss_sum, self.best = state["sums"]
        self.run.cut_history(self.epoch)  # one row an epoch
        return True


@contextmanager
def patient_interrupts() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C wait for the end of a batch, whose half could not be resumed; a second one does not wait.

    Gives a function that says whether it was pressed. Off the main thread, interrupts stay as they are.
    """
    pressed: list[int] = []

    def note(number: int, frame: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def labels_of(recipe: Recipe) -> dict[str, list[str]]:
    """Return the class names of the heads that have some."""
    described = {name: head.metadata() for name, head in recipe.heads.items()}
    return {name: list(head["labels"]) for name, head in described.items() if "labels" in head}


def check_monitor(recipe: Recipe) -> None:
    """Raise RecipeError, before anything is learned, where `training.monitor` names no metric."""
    none: dict[str, list[NDArray[np.float32]]] = {name: [] for name in recipe.heads}
    known = ["loss", *score(recipe.heads, [], none, recipe.clock)]
    asked = recipe.training.monitor
    if asked not in known:
        raise RecipeError(f"training.monitor: {asked!r} is no metric of this recipe{nearest(asked, known)}")


def validation_batches(recipe: Recipe, data: Data) -> list[list[int]]:
    """Return the numbers of the validation items in batches, the same at every call."""
    return batches_to_measure(data.valid, data.specs, recipe.clock, recipe.training.batch_seconds)
