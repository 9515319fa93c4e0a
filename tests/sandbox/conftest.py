# SPDX-License-Identifier: Apache-2.0
"""Raw clients of the five vendors, written from their documents, and a sandbox to speak to."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import io
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlencode

import av
import httpx
import numpy as np
import pytest

from airflow_provider_videoai.sandbox import CREDENTIALS, running_sandbox


@pytest.fixture(scope="session")
def _running() -> Iterator[Any]:
    with running_sandbox(queue_seconds=0, run_seconds=0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_running: Any) -> Any:
    """The sandbox as at its start; jobs end as soon as they are rendered."""
    _running.reset()
    return _running


@pytest.fixture
def http(sandbox: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture
def until() -> Callable[..., Any]:
    """Poll until the response satisfies."""

    def wait(poll: Callable[[], Any], good: Callable[[Any], Any], seconds: float = 90) -> Any:
        deadline = time.monotonic() + seconds
        while not good(found := poll()):
            assert time.monotonic() < deadline, f"still {found}"
            time.sleep(0.05)
        return found

    return wait


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave the fields out that are None."""
    return {name: value for name, value in fields.items() if value is not None}


@dataclass
class ViiTor:
    http: httpx.Client
    clip: str

    def headers(self, **changes: str | None) -> dict[str, str]:
        credential = CREDENTIALS["viitor"]
        headers: dict[str, str | None] = {
            "X-User-Id": credential.login,
            "Authorization": f"Bearer {credential.password}",
            "X-Channel": "100",
            "Content-Type": "application/json;charset=UTF-8",
        }
        return given(headers | {name.replace("_", "-"): value for name, value in changes.items()})

    def add(self, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        body = {"url": self.clip, "taskName": "t", "fullEraseROI": [[60, 288, 580, 336]]} | changes
        return self.http.post("/textRemoval/add", json=body, headers=headers or self.headers())

    def new(self, **changes: Any) -> str:
        return str(self.add(**changes).json()["data"]["taskId"])

    def status(self, *ids: Any, headers: dict[str, str] | None = None, **body: Any) -> Any:
        body = body or {"taskIds": list(ids)}
        return self.http.post("/textRemoval/taskStatus", json=body, headers=headers or self.headers()).json()


@dataclass
class Aidge:
    http: httpx.Client
    clip: str

    @staticmethod
    def sign(secret: str, timestamp: str) -> str:
        return hmac.new(secret.encode(), f"{secret}{timestamp}".encode(), "sha256").hexdigest().upper()

    def query(self, **changes: str | None) -> dict[str, str]:
        now = changes.get("timestamp") or str(int(time.time() * 1000))
        query: dict[str, str | None] = {
            "partner_id": "aidge",
            "sign_method": "sha256",
            "sign_ver": "v2",
            "app_key": CREDENTIALS["aidge"].login,
            "timestamp": now,
            "sign": self.sign(CREDENTIALS["aidge"].password, now),
        }
        return given(query | changes)

    def submit(self, query: dict[str, str] | None = None, headers: Any = None, **changes: Any) -> httpx.Response:
        body = given({"videoUrl": self.clip, "language": "en"} | changes)
        return self.http.post("/rest/ai/video/removal", params=query or self.query(), json=body, headers=headers)

    def new(self, **changes: Any) -> str:
        return str(self.submit(**changes).json()["data"]["result"]["taskId"])

    def result(self, task_id: str) -> Any:
        return self.http.post("/rest/ai/video/removal/result", params=self.query(), json={"taskId": task_id}).json()


@dataclass
class CDNetworks:
    http: httpx.Client

    def __post_init__(self) -> None:
        self._stamps = itertools.count(int(time.time()), -1)

    @staticmethod
    def sign(
        scheme: str, secret: str, timestamp: str, method: str, path: str, query: str, headers: Any, body: bytes
    ) -> str:
        signed = f"content-type:{headers['content-type']}\nhost:{headers['host']}\n\ncontent-type;host"
        canonical = f"{method}\n{path}\n{query}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        text = f"{scheme}-HMAC-SHA256\n{timestamp}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()

    def request(
        self,
        call: str,
        fields: dict[str, Any],
        *,
        scheme: str = "CNC",
        form: bool = False,
        get: bool = False,
        timestamp: int | None = None,
        **changes: str | None,
    ) -> httpx.Request:
        # No two alike: a signature counts once in five minutes, and equal calls in one second are signed alike.
        stamp = str(timestamp or next(self._stamps))
        credential, method = CREDENTIALS["cdnetworks"], "GET" if get else "POST"
        path = f"/vod/videoManage/{call}"
        query = urlencode(fields) if get else ""
        body = b"" if get else (urlencode(fields) if form else json.dumps(fields)).encode()
        kind = "application/x-www-form-urlencoded; charset=utf-8" if form or get else "application/json"
        headers: dict[str, str | None] = {"content-type": kind, "host": self.http.base_url.netloc.decode()}
        signature = self.sign(scheme, credential.password, stamp, method, path, query, headers, body)
        prefix = {"CNC": "x-cnc", "WS3": "X-WS"}[scheme]
        headers |= {
            f"{prefix}-AccessKey": credential.login,
            f"{prefix}-Timestamp": stamp,
            "Authorization": f"{scheme}-HMAC-SHA256 Credential={credential.login}, "
            f"SignedHeaders=content-type;host, Signature={signature}",
            "x-cnc-auth-method": "AKSK" if scheme == "CNC" else None,
        }
        kept = given(headers | {name.replace("_", "-"): value for name, value in changes.items()})
        return self.http.build_request(method, path + (f"?{query}" if query else ""), headers=kept, content=body)

    def call(self, call: str, fields: dict[str, Any], **options: Any) -> Any:
        return self.http.send(self.request(call, fields, **options)).json()

    def trim(self, trans_no: str = "t1", **changes: Any) -> dict[str, Any]:
        fields = {
            "transNo": trans_no,
            "videoId": "5A4DB0C51190000000000000000C11B1",
            "seekStart": 2,
            "duration": 3,
            "filename": "piece",
            "suffix": "mp4",
        } | changes
        return self.call("videoClip", given(fields))

    def query(self, trans_no: str = "t1", **options: Any) -> dict[str, Any]:
        return self.call("videoClipQuery", {"transNo": trans_no}, **options)


@dataclass
class Topview:
    http: httpx.Client

    def headers(self) -> dict[str, str]:
        credential = CREDENTIALS["topview"]
        return {"Topview-Uid": credential.login, "Authorization": f"Bearer {credential.password}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, params=query, headers=self.headers()).json()

    def submit(self, **changes: Any) -> httpx.Response:
        body: dict[str, Any] = {
            "avatarSourceFrom": "1",
            "aiAvatarId": "sandbox-avatar-anna",
            "audioSourceFrom": "1",
            "ttsText": "Hello there.",
        } | changes
        return self.http.post("/v1/video_avatar/task/submit", json=given(body), headers=self.headers())

    def new(self, **changes: Any) -> str:
        return str(self.submit(**changes).json()["result"]["taskId"])

    def query(self, task_id: str, **more: str) -> dict[str, Any]:
        return self.get("/v1/video_avatar/task/query", taskId=task_id, **more)

    def upload(self, file_format: str, content: bytes) -> str:
        announced = self.get("/v1/upload/credential", format=file_format)["result"]
        assert httpx.put(announced["uploadUrl"], content=content, trust_env=False).status_code == 200
        return str(announced["fileId"])


@dataclass
class Tencent:
    http: httpx.Client

    @staticmethod
    def sign(token: str, parameters: dict[str, str]) -> str:
        plain = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
        return base64.b64encode(hmac.new(token.encode(), plain.encode(), "sha256").digest()).decode()

    def query(self, **changes: str) -> dict[str, str]:
        signed = {"appkey": CREDENTIALS["tencent_ivh"].login, "timestamp": str(int(time.time()))} | changes
        signature = changes.get("signature") or self.sign(CREDENTIALS["tencent_ivh"].password, signed)
        return signed | {"signature": signature}

    def call(self, name: str, body: Any, query: dict[str, str] | None = None) -> Any:
        path = f"/v2/ivh/videomaker/broadcastservice/{name}"
        return self.http.post(path, params=query or self.query(), json=body).json()

    def submit(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        return self.call(name, {"Header": {}, "Payload": payload})

    def video(self, **changes: Any) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "VirtualmanKey": "sandbox-virtualman",
            "InputSsml": "<speak>Good evening.</speak>",
            "SpeechParam": {"Speed": 1.0},
            "VideoParam": {"Format": "Mp4"},
        } | changes
        return self.submit("videomake", given(payload))

    def tts(self, **changes: Any) -> dict[str, Any]:
        payload = {"TimbreKey": "sandbox-timbre", "InputSsml": "Good evening.", "Speed": 1.0} | changes
        return self.submit("tts", given(payload))

    def progress(self, task_id: str) -> dict[str, Any]:
        return self.submit("getprogress", {"TaskId": task_id})


@pytest.fixture
def clip(sandbox: Any) -> str:
    return f"{sandbox.url}/sample/clip.mp4"


@pytest.fixture
def viitor(http: httpx.Client, clip: str) -> ViiTor:
    return ViiTor(http, clip)


@pytest.fixture
def aidge(http: httpx.Client, clip: str) -> Aidge:
    return Aidge(http, clip)


@pytest.fixture
def cdnetworks(http: httpx.Client) -> CDNetworks:
    return CDNetworks(http)


@pytest.fixture
def topview(http: httpx.Client) -> Topview:
    return Topview(http)


@pytest.fixture
def tencent(http: httpx.Client) -> Tencent:
    return Tencent(http)


@dataclass
class Probe:
    """What a media file turns out to be when it is decoded."""

    content: bytes

    def __post_init__(self) -> None:
        with av.open(io.BytesIO(self.content), "r") as container:
            self.container = container.format.name
            self.seconds = (container.duration or 0) / av.time_base
            video, audio = container.streams.video, container.streams.audio
            self.video = video[0].codec_context.name if video else None
            self.size = (video[0].codec_context.width, video[0].codec_context.height) if video else None
            self.frame_rate: Fraction | None = video[0].average_rate if video else None
            self.alpha = bool(video) and video[0].metadata.get("ALPHA_MODE") == "1"
            self.audio = audio[0].codec_context.name if audio else None
            self.sample_rate = audio[0].codec_context.sample_rate if audio else None

    def frames(self) -> list[Any]:
        with av.open(io.BytesIO(self.content), "r") as container:
            return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]

    def sound(self) -> Any:
        with av.open(io.BytesIO(self.content), "r") as container:
            pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
        return np.concatenate(pieces, axis=1)


@pytest.fixture
def probe() -> Callable[[str], Probe]:
    def look(url: str) -> Probe:
        response = httpx.get(url, trust_env=False)
        assert response.status_code == 200, response.text
        return Probe(response.content)

    return look


class Storage:
    """A web server of the caller's own: serves what is put into ``files``, and keeps what is PUT there."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        storage = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = storage.files.get(self.path.partition("?")[0])
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(found or b"")

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                allowed = self.path.startswith("/write/")
                if allowed:
                    storage.files[self.path.partition("?")[0]] = body
                self.send_response(200 if allowed else 403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def storage() -> Iterator[Storage]:
    server = Storage()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def make_video() -> Callable[..., bytes]:
    def make(
        width: int, height: int, frames: int, rate: int = 25, container: str = "mp4", audio: str | None = None
    ) -> bytes:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=container) as target:
            codec = "libvpx" if container == "webm" else "libx264"
            stream = cast(av.VideoStream, target.add_stream(codec, rate=rate))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            track = cast(av.AudioStream, target.add_stream(audio, rate=16000, layout="mono")) if audio else None
            for number in range(frames):
                picture = np.full((height, width, 3), number % 200, np.uint8)
                target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            target.mux(stream.encode(None))
            if track:
                frame = av.AudioFrame.from_ndarray(np.full((1, 16000), 9000, np.int16), "s16", "mono")
                frame.sample_rate = 16000
                target.mux([*track.encode(frame), *track.encode(None)])
        return buffer.getvalue()

    return make
