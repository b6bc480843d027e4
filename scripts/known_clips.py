"""Recordings that callers may speak, and where in the sound of a call they were spoken.

What a caller said is found by comparing the tape with every recording (cross-correlation), so that neither noise around the speech
nor a pause in it can move its end: the end is looked for in the clean recording, and the recording's place on the tape.
Needs numpy; recordings are read by libsndfile.
"""

import ctypes
import ctypes.util
import pathlib
import re

import numpy

FULL_SCALE = 32768.0
# -55 dBFS: nothing below it is voice.
LEAST = FULL_SCALE**2 * 3.16e-6


class Info(ctypes.Structure):
    _fields_ = [("frames", ctypes.c_int64), ("rate", ctypes.c_int), ("channels", ctypes.c_int),
                ("format", ctypes.c_int), ("sections", ctypes.c_int), ("seekable", ctypes.c_int)]


def read(path):
    """Samples and rate of a sound file of one channel."""
    library = ctypes.CDLL(ctypes.util.find_library("sndfile") or "libsndfile.so.1")
    library.sf_open.restype = ctypes.c_void_p
    info = Info()
    file = library.sf_open(str(path).encode(), 0x10, ctypes.byref(info))
    if not file:
        raise SystemExit(f"{path} cannot be read")
    samples = numpy.zeros(info.frames * info.channels, dtype=numpy.int16)
    library.sf_readf_short.restype = ctypes.c_int64
    library.sf_readf_short(
        ctypes.c_void_p(file), samples.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(info.frames))
    library.sf_close(ctypes.c_void_p(file))
    return samples[:: info.channels].astype(float), info.rate


def carried(samples, rate, at):
    """The recording as a line of that rate carries it: what lies above half of it is cut off."""
    if rate == at:
        return samples
    count = len(samples) * at // rate
    spectrum = numpy.fft.rfft(samples)
    kept = numpy.zeros(count // 2 + 1, dtype=complex)
    most = min(len(kept), len(spectrum))
    kept[:most] = spectrum[:most]
    return numpy.fft.irfft(kept, count) * count / len(samples)


def speech_end(samples, rate):
    """The last voiced millisecond of a clean recording, by docs/timing.md."""
    per = rate // 1000
    squares = samples**2
    levels = numpy.array([squares[i : i + 10 * per].mean() for i in range(0, len(squares), 10 * per)])
    ordered = numpy.sort(levels)
    floor, loud = ordered[len(ordered) // 30], ordered[min(len(ordered) - 1, len(ordered) * 19 // 20)]
    limit = max(min(max(floor * 7.94, loud * 1e-3), loud * 0.1), LEAST)
    voiced = levels > limit
    # Seen from the end, a run with six of ten; the release of a stop may follow within 150 ms.
    last = next(i for i in range(len(voiced) - 1, -1, -1) if voiced[i] and voiced[max(0, i - 9) : i + 1].sum() >= 6)
    for hop in range(min(last + 15, len(voiced) - 1), last, -1):
        if voiced[hop]:
            last = hop
            break
    within = [squares[ms * per : (ms + 1) * per] for ms in range(last * 10, last * 10 + 10)]
    above = [i for i, part in enumerate(within) if len(part) and part.mean() > limit]
    return last * 10 + (above[-1] if above else 9)


class Clip:
    def __init__(self, name, samples, rate):
        self.name, self.samples = name, samples
        self.end = speech_end(samples, rate)
        self.norm = numpy.sqrt((samples**2).sum())


class Corpus:
    def __init__(self, folders, rate):
        self.rate, self.clips = rate, []
        for folder in folders:
            text = (pathlib.Path(folder) / "manifest.yaml").read_text()
            for entry in re.split(r"\n  - ", text)[1:]:
                name, path = (re.search(rf"(?:^|\n    ){key}: (.*)", entry).group(1).strip('"') for key in ("id", "file"))
                path = pathlib.Path(folder) / path
                if path.suffix in (".flac", ".wav") and path.exists():
                    samples, own = read(path)
                    self.clips.append(Clip(name, carried(samples, own, rate), rate))
        if not self.clips:
            raise SystemExit(f"no recordings in {', '.join(map(str, folders))}")
        self.longest = max(len(clip.samples) for clip in self.clips)

    def find(self, sound):
        """The clip that `sound` begins with, and where in samples it lies; its likeness is 1 for the clip itself."""
        size = 1 << int(numpy.ceil(numpy.log2(len(sound) + self.longest)))
        spectrum = numpy.fft.rfft(sound, size)
        energy = numpy.concatenate([[0], numpy.cumsum(sound**2)])
        best = (0.0, None, 0)
        for clip in self.clips:
            match = numpy.fft.irfft(spectrum * numpy.conj(numpy.fft.rfft(clip.samples, size)), size)[: len(sound)]
            ends = numpy.minimum(numpy.arange(len(sound)) + len(clip.samples), len(sound))
            own = numpy.sqrt(numpy.maximum(energy[ends] - energy[: len(sound)], 1.0))
            likeness = match / (own * clip.norm)
            place = int(likeness.argmax())
            if likeness[place] > best[0]:
                best = (float(likeness[place]), clip, place)
        return best
