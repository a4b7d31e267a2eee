"""Files and bytes to sound and pictures, and back, within limits."""

from trichord.media.lazy import AudioFile, Played, VideoFile, clip_from_file, read_features, read_text, sniff
from trichord.media.limits import DEFAULT_LIMITS, Limits
from trichord.media.pictures import FrameStream, read_video
from trichord.media.resample import Resampler, faster, resample
from trichord.media.sound import read_audio, stream_audio
from trichord.media.source import Source
from trichord.media.write import write_audio, write_image, write_video

__all__ = [
    "AudioFile",
    "DEFAULT_LIMITS",
    "FrameStream",
    "Limits",
    "Played",
    "Resampler",
    "Source",
    "VideoFile",
    "clip_from_file",
    "faster",
    "read_audio",
    "read_features",
    "read_text",
    "read_video",
    "resample",
    "sniff",
    "stream_audio",
    "write_audio",
    "write_image",
    "write_video",
]
