# SPDX-License-Identifier: Apache-2.0
"""Keep a file in a store of fsspec: written beside its destination, looked at, and only then put there, whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import posixpath
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.content_types import arguments_for, content_type_of

__all__ = ["BLOCK", "Comparison", "Destination", "DifferentContent", "Draft"]

BLOCK = 5 * 1024 * 1024
"""Bytes that an object store is sent at once, the least that S3 takes. They are held in memory, more than once."""
_PIECE = 1024 * 1024
_LOCAL = frozenset({"file", "local"})
# There a folder is part of a name, and making one may make a bucket.
_WITHOUT_FOLDERS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "wasb"})
# Some file systems of a network have no locks.
_NO_LOCKS = frozenset({errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL})
# In bytes: the names of file systems, and whole keys in a bucket, folders included.
_LONGEST_NAME, _LONGEST_KEY = 255, 1024


class DifferentContent(Exception):
    """Something else is at the destination already."""


class Destination:
    """One file of a store. ``path`` is the store's own name of it, without scheme and connection.

    ``content_type`` is what it is created as, in a store that keeps one.
    """

    def __init__(self, fs: AbstractFileSystem, path: str) -> None:
        self._fs = fs
        self.path = path
        self.content_type: str | None = None
        protocols = fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)
        self._protocols = protocols
        self.is_local = not _LOCAL.isdisjoint(protocols)
        self._has_folders = _WITHOUT_FOLDERS.isdisjoint(protocols)

    @property
    def temporary(self) -> Destination:
        """Where the bytes are before they are whole: the same at each try, so what a killed one left is replaced."""
        folder, name = posixpath.split(self.path)
        whole = self.path.partition("/")[2] if not self._has_folders else ""
        room = min(_LONGEST_NAME, _LONGEST_KEY - (_bytes(whole) - _bytes(name)))
        return Destination(self._fs, posixpath.join(folder, _temporary(name, room)))

    def size(self) -> int | None:
        """Return how many bytes are there; ``None`` where there is no file."""
        self._fs.invalidate_cache()
        try:
            return cast(int, self._fs.info(self.path)["size"])
        except FileNotFoundError:
            return None

    def open(self) -> BinaryIO:
        """Open it to be read, at any place."""
        return cast(BinaryIO, self._fs.open(self.path, "rb", block_size=_PIECE))

    def sha256(self) -> str:
        """Return the hash of what is there, in lower-case hex."""
        digest = hashlib.sha256()
        with self.open() as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()

    def lock(self) -> int | None:
        """Make it, keep other tasks of this machine from writing it, and return what to close to let them.

        A lock ends with its process, however that ends. ``None`` for a store without locks; ``OSError`` if another task
        holds it.
        """
        if not self.is_local:
            return None
        self._make_folder()
        while (lock := _locked(self.path)) is None:
            pass
        return lock

    def create(self) -> Any:
        """Open it to be written, from the first byte."""
        self._make_folder()
        return self._fs.open(self.path, "wb", block_size=BLOCK, **arguments_for(self._protocols, self.content_type))

    def _make_folder(self) -> None:
        if self._has_folders:
            self._fs.makedirs(posixpath.dirname(self.path), exist_ok=True)

    def move_to(self, target: Destination) -> None:
        """Give it another name in the same store."""
        if self.is_local:
            self._fs.mv(self.path, target.path)
        else:
            # Only S3 needs the type once more: a large object is copied in parts, without what it was created with.
            again = arguments_for(self._protocols, self.content_type) if "s3" in self._protocols else {}
            self._fs.cp_file(self.path, target.path, **again)
            self.remove()

    def remove(self) -> None:
        """Remove it, if it is there."""
        if self.size() is not None:
            self._fs.rm_file(self.path)


def _locked(path: str) -> int | None:
    """Open and lock a file; ``None`` if it got another name meanwhile, as whoever held the lock gives it one."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), Path(path).stat()):
            return descriptor
    except FileNotFoundError:
        pass
    except BlockingIOError as held:
        os.close(descriptor)
        raise OSError(errno.EBUSY, "another task writes to the same destination now") from held
    except OSError as failure:
        if failure.errno in _NO_LOCKS:
            return descriptor
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _temporary(name: str, room: int) -> str:
    """Return a name for what becomes ``name``, of at most ``room`` bytes."""
    if _bytes(usual := f".{name}.part") <= room:
        return usual
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
    return short if len(short := f".{digest}.part") <= room else f".{digest}"[: max(room, 2)]


def _bytes(name: str) -> int:
    return len(name.encode(errors="surrogatepass"))


class Draft:
    """A sink that becomes the destination once it is published; what is left of it goes with the ``with`` around it."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self.temporary = destination.temporary
        self._file: Any = None
        self._lock: int | None = None
        self._digest = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._abandon()  # writes what is buffered, for which a full disk has no room
        finally:
            self._remove()

    @property
    def sha256(self) -> str:
        """The hash of all bytes so far, in lower-case hex."""
        return self._digest.hexdigest()

    def begin(self, body: Body) -> None:
        """Be empty, whatever was written before."""
        self._abandon()
        self.temporary.content_type = content_type_of(self._destination.path, body.content_type)
        if self._lock is None:
            self._lock = self.temporary.lock()
        self._file = self.temporary.create()
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def close(self) -> None:
        """Hand the last bytes to the store; raise ``OSError`` where it has not got them all."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._check_whole()

    def publish(self) -> None:
        """Put it at the destination, whole; what was there is replaced. Raise ``OSError`` if it is whole no more."""
        self._check_whole()
        self.temporary.move_to(self._destination)

    def _check_whole(self) -> None:
        if (stored := self.temporary.size()) != self.size:
            raise OSError(
                errno.EIO, f"{stored} bytes of {self.size} are in the store: does another task write there as well?"
            )

    def _remove(self) -> None:
        if self._lock is not None:
            try:
                self.temporary.remove()
            finally:
                os.close(self._lock)
                self._lock = None
        elif not self.temporary.is_local:  # a file without our lock is another task's
            self.temporary.remove()

    def _abandon(self) -> None:
        if self._file is None:
            return
        if isinstance(self._file, AbstractBufferedFile):
            # Closing would make an object of it.
            self._file.discard()
            self._file.closed = True
        else:
            self._file.close()
        self._file = None


class Comparison:
    """A sink that keeps nothing and compares whether the bytes are those of a file that is there already."""

    def __init__(self, destination: Destination, size: int) -> None:
        self._destination = destination
        self._expected = size
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """The hash of all bytes so far, in lower-case hex."""
        return self._digest.hexdigest()

    def begin(self, body: Body) -> None:
        """Be empty; raise :class:`DifferentContent` if the length differs already."""
        if body.length not in (None, self._expected):
            raise DifferentContent(f"it has {self._expected} bytes, and the result {body.length}")
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._digest.update(piece)
        self.size += len(piece)

    def check(self) -> None:
        """Raise :class:`DifferentContent` where the bytes are not the same."""
        if self.size != self._expected or self.sha256 != self._destination.sha256():
            raise DifferentContent("its bytes are others")
