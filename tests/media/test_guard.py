# SPDX-License-Identifier: Apache-2.0
"""FFmpeg opens nothing but the given file, and a malicious file cannot exhaust or crash the worker."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import av
import psutil
import pytest
from PIL import Image

from airflow_provider_videoai.jobs.errors import ResultUnavailable, VendorUnavailable
from airflow_provider_videoai.media import probe as probing
from airflow_provider_videoai.media.check import check_media_file
from airflow_provider_videoai.media.probe import NotMedia, probe
from tests.media.test_probe import a_video

SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=x
c=IN IP4 127.0.0.1
t=0 0
m=video 45678 RTP/AVP 96
a=rtpmap:96 H264/90000
"""
HLS = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:10
#EXTINF:10,
{url}
#EXT-X-ENDLIST
"""
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S" minBufferTime="PT2S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">
<Representation id="v" bandwidth="1000" width="64" height="48"><BaseURL>{url}</BaseURL></Representation>
</AdaptationSet></Period></MPD>
"""
SMOOTH = '<?xml version="1.0"?><SmoothStreamingMedia MajorVersion="2" Duration="1"></SmoothStreamingMedia>'
SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello\n"
SCRIPTS = {
    "sdp": SDP,
    "hls": HLS,
    "hls of a file": HLS.replace("{url}", "file:///etc/hostname"),
    "hls of data": HLS.replace("{url}", "data:text/plain;base64,AAAA"),
    "hls subfile": HLS.replace("{url}", "subfile,,start,0,end,9,,:/etc/hostname"),
    "hls key": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-KEY:METHOD=AES-128,URI={url}\n#EXTINF:9,\n{url}\n",
    "dash": DASH,
    "ffconcat": "ffconcat version 1.0\nfile '{url}'\n",
    "ffconcat of a file": "ffconcat version 1.0\nfile '{video}'\n",
    "concat protocol": HLS.replace("{url}", "concat:/etc/hostname|/etc/hosts"),
    "asx": '<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
    "pls": "[playlist]\nFile1={url}\nNumberOfEntries=1\n",
    "rtsp": "RTSPtext\nrtsp://127.0.0.1/{url}\n",
    "ffmetadata": ";FFMETADATA1\ntitle=x\n",
    "smooth": SMOOTH,
    "srt": SRT,
    "webvtt": f"WEBVTT\n\n{SRT}",
    "ass": "[Script Info]\nScriptType: v4.00+\n\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hi\n",
    "vobsub": "# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:01:000, filepos: 000000000\n",
    "mpl2": "[10][20]Hello\n[30][40]There\n",
    "microdvd": "{1}{1}25\n{10}{20}Hello\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
    "text": "These are some words.\n" * 500,
    "jacosub": "#T100\n0:00:01.00 0:00:02.00 D Hello\n",
}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server to which nobody may connect."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def sockets() -> set[tuple[object, ...]]:
    return {(each.type, each.laddr) for each in psutil.Process().net_connections(kind="all")}


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def with_reference(movie: bytes, path: str) -> bytes:
    """Make the media of an MP4's tracks lie in another file, as an alias of QuickTime says it."""
    name = path.encode()
    alias = struct.pack(">IHH", 0, 2, 0) + bytes(142) + struct.pack(">HH", 2, len(name)) + name
    alias += bytes(len(name) % 2) + struct.pack(">HH", 0xFFFF, 0)
    old = box(b"dref", struct.pack(">II", 0, 1), box(b"url ", struct.pack(">I", 1)))
    assert old in movie
    new = box(b"dref", struct.pack(">II", 0, 1), box(b"alis", struct.pack(">I", 0), alias))
    return replaced(movie, lambda whole: new if whole == old else None)


def replaced(movie: bytes, new: Callable[[bytes], bytes | None]) -> bytes:
    """Replace boxes, in every place, and correct the lengths of those around them; the media comes first."""
    containers = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl")
    boxes, at = [], 0
    while at + 8 <= len(movie):
        length, kind = struct.unpack_from(">I4s", movie, at)
        whole = movie[at : at + length]
        inside = box(kind, replaced(whole[8:], new)) if kind in containers else whole
        boxes.append(new(whole) or inside)
        at += length
    return b"".join(boxes)


def subtitled_avi(avi: bytes, script: str) -> bytes:
    """Put subtitles of DivX's kind (GAB2) into an AVI whose sound they become: FFmpeg opens them by their content."""
    content = script.encode()
    gab2 = b"GAB2\0" + struct.pack("<HI", 2, 2) + b"x\0" + struct.pack("<HI", 4, len(content)) + content
    gab2 += bytes(len(gab2) % 2)
    chunk = b"01tx" + struct.pack("<I", len(gab2)) + gab2
    at = avi.index(b"movi") + 4
    avi = avi.replace(b"auds", b"txts", 1)
    at_size = at - 8
    (size,) = struct.unpack_from("<I", avi, at_size)
    return avi[:at_size] + struct.pack("<I", size + len(chunk)) + avi[at_size + 4 : at] + chunk + avi[at:]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return a_video(tmp_path / "real.mp4")


@pytest.mark.parametrize("script", SCRIPTS)
def test_playlists_and_text_are_not_media(script: str, listener: socket.socket, video: Path) -> None:
    url = "http://{}:{}/a.mp4".format(*listener.getsockname())
    content = SCRIPTS[script].replace("{url}", url).replace("{video}", str(video)).encode()
    before = sockets()
    with pytest.raises(ResultUnavailable, match="not media"):
        check_media_file(io.BytesIO(content))
    assert sockets() == before
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("suffix", ["sdp", "m3u8", "mpd", "ffconcat", "srt", "idx", "png"])
def test_the_file_name_does_not_decide_the_format(tmp_path: Path, suffix: str, video: Path) -> None:
    path = tmp_path / f"pattern-%03d.{suffix}"
    video.rename(path)
    assert probe(path).video is not None
    path.write_text(SDP)
    with pytest.raises(NotMedia):
        probe(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"])
def test_an_image_is_not_video(kind: str) -> None:
    content = io.BytesIO()
    pictures = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    several = {"save_all": True, "append_images": pictures[1:]} if kind == "GIF" else {}
    pictures[0].save(content, kind, **several)
    with pytest.raises(NotMedia):
        probe(content)


def test_media_in_another_file_is_not_opened(video: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())
    reference = with_reference(video.read_bytes(), str(other))
    os.utime(other, (1, other.stat().st_mtime))
    probe(io.BytesIO(reference))
    assert other.stat().st_atime == 1, "it was read"


def test_subtitles_inside_of_a_video_open_nothing(tmp_path: Path, listener: socket.socket) -> None:
    url = "http://{}:{}/a.mp4".format(*listener.getsockname())
    before = sockets()
    avi = a_video(tmp_path / "a.avi").read_bytes()
    for script in (HLS.replace("{url}", url), SDP, SRT):
        assert probe(io.BytesIO(subtitled_avi(avi, script))).video is not None
    assert sockets() == before
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_metadata_that_is_not_utf_8_is_accepted(video: Path, tmp_path: Path) -> None:
    tagged = tmp_path / "tagged.mkv"
    with av.open(str(video)) as given, av.open(str(tagged), "w") as made:
        made.metadata["title"] = "Titel-Titel"
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)
    content = tagged.read_bytes()
    assert content.count(b"Titel-Titel") == 1
    assert probe(io.BytesIO(content.replace(b"Titel-Titel", b"Titel\xe4\xff\xfe\xc3("))).video is not None


@pytest.mark.parametrize(("stream", "known"), [(b"FMP4", "audio"), (b"P\0\x02\0", "video")])
def test_an_unknown_codec_is_accepted(tmp_path: Path, stream: bytes, known: str) -> None:
    avi = a_video(tmp_path / "a.avi").read_bytes()
    assert stream in avi
    unknown = avi.replace(stream, b"ZZZZ" if known == "audio" else b"\x99\x77" + stream[2:])
    facts = probe(io.BytesIO(unknown))
    assert facts.video is not None
    assert facts.audio is not None
    codecs = {"video": facts.video.codec, "audio": facts.audio.codec}
    assert codecs.pop(known) != "unknown"
    assert set(codecs.values()) == {"unknown"}


def test_a_cover_picture_is_not_video(tmp_path: Path) -> None:
    cover = io.BytesIO()
    Image.new("RGB", (64, 48)).save(cover, "PNG")
    frame = b"APIC" + struct.pack(">IH", len(cover.getvalue()) + 14, 0)
    frame += b"\0image/png\0\x03\0" + cover.getvalue()
    length = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as made:
        sound = made.add_stream("mp3", rate=44100, layout="mono")
        quiet = av.AudioFrame(format="s16p", layout="mono", samples=44100)
        quiet.sample_rate = 44100
        made.mux([*sound.encode(quiet), *sound.encode()])
    facts = probe(io.BytesIO(b"ID3\x03\0\0" + length + frame + path.read_bytes()))
    assert facts.audio is not None
    assert facts.video is None


def test_reading_a_file_has_a_time_limit(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=70.0)
    monkeypatch.setattr(probing, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with pytest.raises(VendorUnavailable, match="within 60 seconds"):
        probe(video)


def test_reading_a_file_has_a_size_limit(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MAX_BYTES", 1000)
    with pytest.raises(NotMedia, match="not within"):
        probe(video)


class Endless(io.RawIOBase):
    """A file of a format's beginning, and then of the same bytes for ever."""

    def __init__(self, beginning: bytes, then: bytes) -> None:
        self._beginning, self._then = beginning, then
        self._at = self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        self.count += size
        start, self._at = self._at, self._at + size
        content = self._beginning[start:] if start < len(self._beginning) else b""
        return (content + self._then * (size // len(self._then) + 1))[:size]

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: 1 << 62}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.ts"])
@pytest.mark.parametrize("then", [b"\0", b"\xff", b"GAB2", zlib.compress(b"noise" * 9)])
def test_an_endless_file_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, then: bytes) -> None:
    monkeypatch.setattr(probing, "MAX_BYTES", 16 * 1024**2)
    endless = Endless(a_video(tmp_path / name).read_bytes()[:3000], then)
    with contextlib.suppress(NotMedia):
        probe(endless)  # type: ignore[arg-type]
    assert endless.count <= 17 * 1024**2


def counting(movie: bytes, samples: int) -> bytes:
    """Let an MP4 say that it has so many samples of one byte."""
    lies = {
        b"stsz": struct.pack(">III", 0, 1, samples),
        b"stts": struct.pack(">IIII", 0, 1, samples, 10),
        b"stsc": struct.pack(">IIIII", 0, 1, 1, samples, 1),
        b"stco": struct.pack(">III", 0, 1, 48),
    }
    return replaced(movie, lambda whole: box(whole[4:8], lies[whole[4:8]]) if whole[4:8] in lies else None)


def in_fragments(movie: bytes, samples: int) -> bytes:
    """Let an MP4 go on in fragments that say to have so many samples and list none."""
    run = box(b"trun", struct.pack(">II", 0, samples))
    head = box(b"tfhd", struct.pack(">III", 0x38, 1, 10) + struct.pack(">II", 1, 0))
    extends = box(b"mvex", box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 10, 1, 0)))
    fragment = box(b"moof", box(b"mfhd", struct.pack(">II", 0, 1)), box(b"traf", head, run))
    at = movie.index(b"moov") - 4
    (length,) = struct.unpack_from(">I", movie, at)
    moov = box(b"moov", movie[at + 8 : at + length], extends)
    return movie[:at] + moov + movie[at + length :] + fragment * 50


@pytest.mark.parametrize("samples", [30_000_000, 400_000_000, 2**32 - 1])
@pytest.mark.parametrize("lying", [counting, in_fragments])
def test_false_counts_cannot_exceed_the_memory_limit(
    tmp_path: Path, video: Path, lying: Callable[[bytes, int], bytes], samples: int
) -> None:
    path = tmp_path / "lie.mp4"
    path.write_bytes(lying(video.read_bytes(), samples))
    script = (
        "import sys, resource, contextlib, pathlib\n"
        "from airflow_provider_videoai.media.probe import NotMedia, probe\n"
        "with contextlib.suppress(NotMedia):\n"
        "    probe(pathlib.Path(sys.argv[1]))\n"
        # Not ru_maxrss, which a process has from the one that started it.
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "ours = int(status.partition('VmHWM:')[2].split()[0])\n"
        "print(ours // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    ours, theirs = map(int, subprocess.run(command, check=True, capture_output=True).stdout.split())
    assert ours < 300
    assert theirs < 700


def readers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if probing._PROBER in each.cmdline()]


class Watching(io.BytesIO):
    """A file that does something to the process that reads it."""

    def __init__(self, content: bytes, seen: Callable[[psutil.Process], object]) -> None:
        super().__init__(content)
        self._seen = seen

    def read(self, size: int | None = -1, /) -> bytes:
        (reader,) = readers()
        self._seen(reader)
        return super().read(size)


def test_a_crash_of_ffmpeg_is_a_failed_check(video: Path) -> None:
    with pytest.raises(ResultUnavailable, match="not media"):
        check_media_file(Watching(video.read_bytes(), psutil.Process.kill))
    assert readers() == []


def test_the_subprocess_of_ffmpeg_has_no_secrets_in_its_environment(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_VIITOR_DEFAULT", "viitor://user:secret@")
    seen: list[dict[str, str]] = []
    probe(Watching(video.read_bytes(), lambda reader: seen.append(reader.environ())))
    assert seen[0]
    assert not any("secret" in value for value in seen[0].values())


@pytest.mark.parametrize("failure", [VendorUnavailable("it has gone"), ConnectionResetError("it has gone")], ids=repr)
def test_an_error_of_the_file_ends_the_subprocess_and_is_raised_as_it_is(video: Path, failure: Exception) -> None:
    def fail(_: object) -> None:
        raise failure

    with pytest.raises(type(failure), match="has gone"):
        probe(Watching(video.read_bytes(), fail))
    assert readers() == []


def test_a_subprocess_that_cannot_start_is_reported(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for python in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr(sys, "executable", python)
        with pytest.raises(VendorUnavailable, match="the subprocess that reads media"):
            probe(video)
