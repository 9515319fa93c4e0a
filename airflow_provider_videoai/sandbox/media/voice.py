# SPDX-License-Identifier: Apache-2.0
"""A synthetic voice: vowels as harmonics filtered by two formants, a breath of noise before each."""

from __future__ import annotations

import zlib
from typing import cast

import numpy as np

from airflow_provider_videoai.sandbox.media.container import Samples, Sound
from airflow_provider_videoai.sandbox.media.rendered import Stop
from airflow_provider_videoai.sandbox.media.script import Script, Word

# First and second formant of a few vowels, in Hz.
VOWELS = ((730, 1090), (530, 1840), (390, 1990), (570, 840), (300, 870), (660, 1720))
HARMONICS = 24
LOUDNESS = 0.3


def speak(script: Script, rate: int, pitch: float, stop: Stop, loudness: float = 1.0) -> Sound:
    """Speak a script; the sound lasts exactly as long as the script says.

    :param rate: samples per second.
    :param pitch: Hz.
    :param stop: ends the rendering early.
    :param loudness: 1 is normal.
    """
    samples = np.zeros(round(script.seconds * rate), np.float32)
    for sentence in script.sentences:
        for position, word in enumerate(sentence.words):
            stop.check()
            # The melody falls towards the end of a sentence.
            fall = 1.12 - 0.24 * position / max(1, len(sentence.words))
            spoken = _say(word, rate, pitch * fall)
            first = round(word.start * rate)
            # Rounding can put the last sample of a word beyond the end.
            end = min(len(samples), first + len(spoken))
            samples[first:end] += spoken[: end - first]
    return Sound(samples * np.float32(LOUDNESS * loudness), rate)


def _say(word: Word, rate: int, pitch: float) -> Samples:
    # The same word always sounds the same: Python's own hash() differs from process to process.
    seed = zlib.crc32(word.text.lower().encode())
    each = round((word.end - word.start) / word.syllables * rate)
    syllables = [_syllable(each, rate, pitch, seed + number) for number in range(word.syllables)]
    return cast("Samples", np.concatenate(syllables))


def _syllable(length: int, rate: int, pitch: float, seed: int) -> Samples:
    seconds = np.arange(length, dtype=np.float32) / rate
    first, second = VOWELS[seed % len(VOWELS)]
    numbers = np.arange(1, HARMONICS + 1, dtype=np.float32)
    # Harmonics above half the sampling rate would alias.
    numbers = numbers[numbers * pitch < rate / 2]
    tones = numbers * pitch
    strength = np.exp(-(((tones - first) / 160) ** 2)) + 0.5 * np.exp(-(((tones - second) / 220) ** 2)) + 0.06
    vowel = strength.astype(np.float32) @ np.sin(2 * np.pi * tones[:, None] * seconds[None, :])
    envelope = np.abs(np.sin(np.pi * np.linspace(0, 1, length, dtype=np.float32))) ** 0.6
    breath = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    breath *= np.exp(-seconds / 0.02)
    return cast("Samples", (vowel / max(1.0, float(strength.sum())) * envelope * 2 + 0.12 * breath).astype(np.float32))
