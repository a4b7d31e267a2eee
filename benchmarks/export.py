"""The one file against the framework: every part's export, and eight-bit weights on a finished run.

    python benchmarks/export.py [RUN]

Without RUN, the parts alone: every encoder, fusion and head, on batches of any length, absent streams and
time zero included. With RUN, also that run's whole model, and its int8 file: size, and score on its test
split, paired clip by clip.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from report import ROOT
from results import record

sys.path.insert(0, str(ROOT / "tests"))

from parity import EncoderAlone, FusionAlone, HeadAlone, assert_export_parity
from trichord.clip import Event
from trichord.kinds import Kinds
from trichord.learning.encoders import ENCODERS
from trichord.learning.encoders.front_ends import FRONT_ENDS
from trichord.learning.export import export_run
from trichord.learning.export.run import Logits
from trichord.learning.fusion import FUSIONS
from trichord.learning.heads import HEADS
from trichord.learning.stream import Shape
from trichord.learning.training import RunFolder
from trichord.metrics import HEAD_SCORES, headline_of, paired_bootstrap
from trichord.prepare.preparation import InputSpec
from trichord.running.evaluate import answer_all, report_on
from trichord.running.runtime import load

DIM = 16
SPECS = {
    "samples": InputSpec("samples", 16_000.0),
    "frames": InputSpec("frames", 25.0, (24, 32)),
    "tokens": InputSpec("tokens", vocabulary=20),
    "array": InputSpec("array", 25.0, (12,)),
}
LENGTHS = {
    "samples": [[16_000, 5_000], [0], [399, 0, 1], [4_000] * 4],
    "frames": [[25, 9], [0], [1, 0, 2], [7] * 4],
    "tokens": [[9, 4], [0], [1, 0, 2], [7] * 4],
    "array": [[30, 11], [0], [1, 0, 2], [7] * 4],
}
TARGETS = {
    "tag": [(Event("a", 0.0, 0.4),), (Event("b", 0.0, 0.4),)],
    "ctc": ["bin blue", "set red"],
    "classify": ["yes", "no"],
    "regress": [0.5, 2.0],
}


def encoder_difference(kind: str, input_kind: str, front_end: str | None, folder: Path) -> float:
    torch.manual_seed(0)
    described = {"kind": kind} | ({"front_end": front_end} if front_end else {})
    encoder = Kinds(ENCODERS).make(described)
    encoder.build(SPECS[input_kind], dim=DIM, clock=25.0)
    batches = [{"x": lengths} for lengths in LENGTHS[input_kind]]
    return assert_export_parity(EncoderAlone(encoder), {"x": SPECS[input_kind]}, folder, batches, 1.0)


def fusion_difference(kind: str, folder: Path) -> float:
    torch.manual_seed(0)
    specs = {"voice": InputSpec("array", 25.0, (DIM,)), "lips": InputSpec("array", 25.0, (DIM,)),
             "words": InputSpec("array", None, (DIM,))}  # fmt: skip
    fusion = Kinds(FUSIONS).make(kind)
    fusion.build({name: Shape(DIM, spec.rate) for name, spec in specs.items()}, DIM)
    lengths = [([9, 0, 4], [7, 3, 0], [0, 5, 2]), ([0], [0], [3]), ([0], [0], [0])]
    batches = [dict(zip(specs, batch, strict=True)) for batch in lengths]
    return assert_export_parity(FusionAlone(fusion, specs), specs, folder, batches, 1.0)


def head_difference(kind: str, folder: Path) -> float:
    torch.manual_seed(0)
    head = Kinds(HEADS).make(kind)
    head.fit(TARGETS[kind])
    head.build(DIM)
    batches = [{"x": lengths} for lengths in LENGTHS["array"]]
    return assert_export_parity(
        HeadAlone(head), {"x": InputSpec("array", 25.0, (DIM,))}, folder, batches, 1.0
    )


def measure_parts() -> None:
    """Record the largest |ONNX - torch| of all parts."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ENCODERS:
            source = "frames" if kind == "lip_cnn" else "samples"
            found[f"encoder {kind}"] = encoder_difference(kind, source, None, folder)
        for kind, front_end in FRONT_ENDS.items():
            source = next(s for s in SPECS if s in front_end.takes)
            found[f"front end {kind}"] = encoder_difference("features", source, kind, folder)
        found |= {f"fusion {kind}": fusion_difference(kind, folder) for kind in FUSIONS}
        found |= {f"head {kind}": head_difference(kind, folder) for kind in HEADS}
    for part, difference in found.items():
        print(f"{part:24s} {difference:.1e}")
    worst = max(found, key=lambda part: found[part])
    note = f"{len(found)} parts, {len(LENGTHS['array'])} batches each; the largest is {worst}"
    record("export/max-abs-diff", found[worst], "|ONNX - torch|", n=len(found), bar="<= 1e-3", note=note)


def measure_run(folder: Path) -> None:
    """Record a run's whole-model parity, and size and loss of its int8 file."""
    recipe, model = RunFolder(folder).load()
    specs = {name: stream.prepare.spec for name, stream in recipe.streams.items()}
    steps = {name: round(2 * (spec.rate or 4)) for name, spec in specs.items()}
    batches = [{name: [n, n // 2, 0] for name, n in steps.items()}]
    batches += [{name: [n if name == kept else 0] for name, n in steps.items()} for kept in steps]
    with tempfile.TemporaryDirectory() as name:
        worst = assert_export_parity(Logits(model), specs, Path(name), batches, 1.0)
        record(f"export/{folder.name}/max-abs-diff", worst, "|ONNX - torch|", n=len(batches), bar="<= 1e-3",
               note="the trained model, random inputs")  # fmt: skip
        whole, small = folder / "model.onnx", Path(name) / "int8.onnx"
        export_run(RunFolder(folder), small, int8=True)
        ratio = small.stat().st_size / whole.stat().st_size
        note = f"{folder.name}: {whole.stat().st_size / 1e6:.2f} to {small.stat().st_size / 1e6:.2f} MB"
        record("export/int8-ratio", ratio, "int8 / fp32 bytes", bar="<= 0.35", note=note)
        measure_loss(recipe.clips("test"), whole, small)


def measure_loss(clips, whole: Path, small: Path) -> None:
    scored = []
    for path in (small, whole):
        model = load(path)
        answers = answer_all(model, clips)
        metrics = report_on(model, answers).heads
        head = next(name for name in metrics if headline_of(metrics[name]))
        metric = headline_of(metrics[head])
        pairs = sorted(answers.pairs, key=lambda pair: pair[0].id)
        targets, said = [clip.targets[head] for clip, _ in pairs], [decoded[head] for _, decoded in pairs]
        described = model.heads[head]
        scored.append(HEAD_SCORES[described["kind"]](described, targets, said)[metric])
        print(f"{path.name}: {head} {metric} {metrics[head][metric]}")
    (first, statistic), (second, _) = scored
    lost = paired_bootstrap(first, second, statistic)
    record("export/int8-loss", lost.value, f"{head} {metric}, int8 - fp32", spread=(lost.low, lost.high),
           n=len(clips), bar="interval holds 0", note="paired 95 % interval over test clips")  # fmt: skip


if __name__ == "__main__":
    measure_parts()
    if len(sys.argv) > 1:
        measure_run(Path(sys.argv[1]))
