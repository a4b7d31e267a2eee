"""What the front ends compute, against the libraries that define it."""

import kaldi_native_fbank
import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from parity import Batch, assert_export_parity
from trichord.errors import RecipeError
from trichord.kinds import Kinds
from trichord.learning.encoders.front_ends import FRONT_ENDS, default_front_end
from trichord.learning.encoders.front_ends.embedding import Embedding
from trichord.learning.encoders.front_ends.front_end import FrontEnd
from trichord.learning.encoders.front_ends.image_cnn import ImageCnn
from trichord.learning.encoders.front_ends.lip_stem import LipStem
from trichord.learning.encoders.front_ends.logmel import LogMel, alone
from trichord.learning.encoders.front_ends.mfcc import Mfcc
from trichord.learning.encoders.front_ends.normaliser import Normaliser
from trichord.learning.encoders.front_ends.ready import Ready
from trichord.learning.stream import Stream
from trichord.prepare.preparation import InputSpec

SPEECH = InputSpec("samples", 16_000.0)
PADDING = (512 - 400) // 2  # librosa centres a window in its FFT; ours stands at the start of it


def sound(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """A gliding tone in noise, with an offset, within ±1."""
    time = np.arange(int(seconds * 16_000)) / 16_000
    noise = np.random.default_rng(seed).normal(0, 0.05, len(time))
    return (0.3 * np.sin(2 * np.pi * (200 + 900 * time) * time) + noise + 0.02).astype(np.float32)


def frames_of(front: FrontEnd, samples: np.ndarray) -> np.ndarray:
    front.build(SPEECH)
    stream = front(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
    assert stream.rate == 100
    assert stream.lengths.tolist() == [stream.values.shape[1]]
    return stream.values[0].numpy()


def assert_near(got: np.ndarray, expected: np.ndarray, most: float = 2e-4, all_of_it: float = 5e-3) -> None:
    """Bands that hold almost nothing suffer from float32 in every implementation, so most must be near."""
    assert got.shape == expected.shape
    difference = np.abs(got - expected)
    assert np.quantile(difference, 0.99) < most
    assert difference.max() < all_of_it


@pytest.mark.parametrize(("scale", "equal_area"), [("htk", False), ("slaney", True), ("slaney", False)])
@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_is_librosas_melspectrogram(window, scale, equal_area):
    front = LogMel(preemphasis=0, remove_dc=False, window=window, scale=scale, equal_area=equal_area,
                   high_hz=7600, normalise=False)  # fmt: skip
    expected = librosa.feature.melspectrogram(
        y=np.pad(sound(), PADDING), sr=16_000, n_fft=512, hop_length=160, win_length=400, window=window,
        center=False, n_mels=80, fmin=20, fmax=7600, htk=scale == "htk",
        norm="slaney" if equal_area else None,
    )  # fmt: skip
    assert_near(frames_of(front, sound()), np.log(np.maximum(expected, 1e-10)).T)


@pytest.mark.parametrize("bands", [23, 80])
def test_is_kaldis_fbank(bands):
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = bands
    front = LogMel(bands=bands, window="povey", scale="kaldi", normalise=False)
    assert_near(frames_of(front, sound()), run_kaldi(kaldi_native_fbank.OnlineFbank(options)))


def test_samples_in_kaldis_range_add_a_constant():
    front = LogMel(window="povey", scale="kaldi", normalise=False)
    louder = frames_of(front, sound() * 32768)
    assert_near(louder, frames_of(front, sound()) + 2 * np.log(32768), 1e-4)


def test_is_kaldis_mfcc():
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.dither = 0
    options.use_energy = False
    front = Mfcc(bands=23, deltas=False, window="povey", scale="kaldi", normalise=False)
    got = frames_of(front, sound())
    assert_near(got, run_kaldi(kaldi_native_fbank.OnlineMfcc(options)), 1e-2, 5e-2)


def run_kaldi(computer: object) -> np.ndarray:
    computer.accept_waveform(16_000, sound())
    computer.input_finished()
    return np.stack([computer.get_frame(index) for index in range(computer.num_frames_ready)])


def test_the_differences_are_kaldis():
    front = Mfcc(coefficients=2, normalise=False)
    front.build(SPEECH)
    values = torch.randn(1, 9, 2)
    first, second = front.differences(Stream(values, torch.tensor([9])))[0].split(2, -1)
    padded = np.pad(values[0].numpy(), ((4, 4), (0, 0)), mode="edge")
    slope = np.arange(-2, 3) / 10
    for column in range(2):
        once = np.correlate(padded[:, column], slope, "valid")
        np.testing.assert_allclose(first[:, column], once[2:-2], atol=1e-6)
        np.testing.assert_allclose(second[:, column], np.correlate(once, slope, "valid"), atol=1e-6)


@pytest.mark.parametrize("window", ["hann", "hamming", "povey"])
def test_the_exported_definition_is_the_trained_one(window):
    front = LogMel(window=window, normalise=False)
    front.build(SPEECH)
    samples = torch.from_numpy(sound())[None]
    trained, exported = front.by_fft(samples), front.by_convolution(samples)
    assert_near(exported.log().numpy(), trained.log().numpy())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2000))
def test_the_number_of_frames_is_kaldis_but_some_sound_is_one(time):
    front = LogMel(bands=4)
    front.build(SPEECH)
    stream = front(torch.zeros(1, time), torch.tensor([time]))
    assert stream.lengths.item() == (0 if time == 0 else 1 if time < 400 else 1 + (time - 400) // 160)
    assert stream.values.shape[1] == max(1, stream.lengths.item())


def test_a_stream_in_pieces_gives_the_frames_of_the_whole():
    whole = frames_of(LogMel(), sound())
    np.testing.assert_allclose(frames_of(LogMel(), sound()[160 * 50 :]), whole[50:], atol=1e-3)


def test_silence_is_the_floor():
    silent = frames_of(LogMel(normalise=False), np.zeros(1600, np.float32))
    np.testing.assert_allclose(silent, np.log(1e-10), rtol=1e-6)


@pytest.mark.parametrize("kind", ["logmel", "mfcc"])
def test_fitting_standardises_every_band(kind):
    front = FRONT_ENDS[kind]()
    front.build(SPEECH)
    sounds = [sound(0.5, seed) for seed in range(3)]
    front.fit([*sounds, sounds[0][:0]])
    values = np.concatenate([front(*alone(samples)).values[0] for samples in sounds])
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-3)


def test_fitting_on_nothing_changes_nothing():
    normaliser = Normaliser(2)
    normaliser.fit([])
    assert normaliser(torch.ones(1, 2)).tolist() == [[1, 1]]


def test_a_column_that_never_varies_is_only_centred():
    front = Ready()
    front.build(InputSpec("array", None, (2,)))
    front.fit([np.array([[7, 0], [7, 2]], np.float32)])
    stream = front(*alone(np.array([[7, 3], [8, 0]], np.float32)))
    assert stream.values.tolist() == [[[0, 2], [1, -1]]]


def test_pixels_are_standardised_by_channel():
    front = ImageCnn(channels=(4,))
    front.build(InputSpec("frames", 25.0, (8, 8, 3)))
    dark = np.random.default_rng(0).integers(0, 50, (6, 8, 8, 3), dtype=np.uint8)
    dark[..., 1] += 100
    front.fit([dark])
    seen = front.pixels(torch.from_numpy(dark)[None], torch.tensor([6]))  # (1, 6, 3, 8, 8)
    torch.testing.assert_close(seen.mean((0, 1, 3, 4)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(seen.std((0, 1, 3, 4)), torch.ones(3), atol=1e-2, rtol=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([ImageCnn, LipStem]))
def test_pictures_of_any_size_have_the_announced_width(height, width, cls):
    front = cls(channels=(2, 2))
    front.build(InputSpec("frames", 25.0, (height, width)))
    stream = front(torch.zeros(1, 2, height, width, dtype=torch.uint8), torch.tensor([2]))
    assert stream.values.shape == (1, 2, front.width)


def test_positions_tell_equal_tokens_apart():
    spec = InputSpec("tokens", vocabulary=3)
    for positions in (False, True):
        front = Embedding(width=6, positions=positions)
        front.build(spec)
        first, second = front(torch.tensor([[2, 2]]), torch.tensor([2])).values[0]
        assert torch.equal(first, second) != positions


@pytest.mark.parametrize(
    ("front", "message"),
    [
        (LogMel(high_hz=9000), "filters from 20 to 9000 Hz don't fit sound of 16000 Hz"),
        (LogMel(low_hz=8000), "choose low_hz below high_hz"),
        (Mfcc(coefficients=50), "50 coefficients need as many bands; there are 40"),
    ],
)
def test_what_cannot_be_built_says_so(front, message):
    with pytest.raises(RecipeError, match=message):
        front.build(SPEECH)


def test_an_embedding_needs_a_vocabulary():
    with pytest.raises(RecipeError, match="needs a vocabulary"):
        Embedding().build(InputSpec("tokens"))


@pytest.mark.parametrize("kind", FRONT_ENDS)
def test_is_written_back_as_it_was_read(kind):
    kinds = Kinds(FRONT_ENDS)
    written = kinds.describe(kinds.make(kind))
    assert kinds.describe(kinds.make(written)) == written


@pytest.mark.parametrize(
    "wrong", [{"bands": 0}, {"window": "box"}, {"hop_ms": -1}, {"preemphasis": 2}, {"band": 80}]
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Kinds(FRONT_ENDS).make({"kind": "logmel", **wrong})


@pytest.mark.parametrize("kind", ["samples", "frames", "tokens", "array"])
def test_every_kind_of_input_has_a_front_end(kind):
    shape = {"samples": (), "frames": (8, 8), "tokens": (), "array": (3,)}[kind]
    spec = InputSpec(kind, 8000.0, shape, vocabulary=3)
    front = default_front_end(spec)
    assert kind in front.takes
    front.build(spec)
    assert front.width > 0


class SideBySide(nn.Module):
    """Front ends by output name, each reading one of the inputs."""

    def __init__(self, fronts: dict[str, tuple[str, FrontEnd]]) -> None:
        super().__init__()
        self.sources = {name: source for name, (source, _) in fronts.items()}
        self.fronts = nn.ModuleDict({name: front for name, (_, front) in fronts.items()})

    def forward(self, inputs: Batch) -> dict[str, Stream]:
        return {name: front(*inputs[self.sources[name]]) for name, front in self.fronts.items()}


def test_the_exported_graph_says_the_same(tmp_path):
    torch.manual_seed(0)
    specs = {
        "voice": InputSpec("samples", 8000.0),
        "scene": InputSpec("frames", 5.0, (9, 10, 3)),
        "words": InputSpec("tokens", vocabulary=5),
    }
    fronts = {
        "mel": ("voice", LogMel(bands=10, window="povey", scale="kaldi")),
        "cepstra": ("voice", Mfcc(bands=10, coefficients=4)),
        "pictures": ("scene", ImageCnn(channels=(4, 4))),
        "tokens": ("words", Embedding(width=6)),
    }
    for source, front in fronts.values():
        front.build(specs[source])
    lengths = [
        {"voice": [4000, 300, 0], "scene": [3, 1, 0], "words": [4, 0, 9]},
        {"voice": [0], "scene": [0], "words": [0]},
        {"voice": [1], "scene": [1], "words": [1]},
        {"voice": [201, 199], "scene": [0, 0], "words": [2, 2]},
    ]
    assert_export_parity(SideBySide(fronts), specs, tmp_path, lengths)
