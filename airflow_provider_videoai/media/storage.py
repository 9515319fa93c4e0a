# SPDX-License-Identifier: Apache-2.0
"""Store a file through fsspec: write it beside its destination, check it, then publish it whole by a move."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import posixpath
import uuid
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from airflow_provider_videoai.media.body import Body
from airflow_provider_videoai.media.content_types import arguments_for, content_type_of

__all__ = ["BLOCK", "Comparison", "Destination", "DifferentContent", "Draft"]

BLOCK = 5 * 1024 * 1024
"""Block size of uploads to object stores: the minimum of S3, as several blocks are held in memory at a time."""
_PIECE = 1024 * 1024
# fsspec calls the same file system by either name.
_LOCAL = frozenset({"file", "local"})
# Object stores: a folder is a part of the key, and fsspec's makedirs could create a bucket.
_WITHOUT_FOLDERS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "wasb"})
# What flock reports on network file systems without locks.
_NO_LOCKS = frozenset({errno.ENOTSUP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL})
# In bytes: a name in a file system (NAME_MAX), and a whole key in a bucket, folders included.
_LONGEST_NAME, _LONGEST_KEY = 255, 1024


class DifferentContent(Exception):
    """The destination already has a file with different content."""


class Destination:
    """One file of a store.

    ``content_type`` is set by who writes it; stores that keep one get it when the file is created.

    :param fs: the store.
    :param path: the store's own name of the file, without scheme and connection.
    """

    def __init__(self, fs: AbstractFileSystem, path: str) -> None:
        self._fs = fs
        self.path = path
        self.content_type: str | None = None
        protocols = fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)
        self._protocols = protocols
        self.is_local = not _LOCAL.isdisjoint(protocols)
        self._has_folders = _WITHOUT_FOLDERS.isdisjoint(protocols)

    def temporary(self, content: str) -> Destination:
        """Return the temporary file. Its name stays the same, so that a retry replaces what a killed task left.

        :param content: names what is stored. On a disk the file is locked; elsewhere other content has another file, as
            one of two tasks would else publish what the other wrote.
        """
        folder, name = posixpath.split(self.path)
        whole = self.path.partition("/")[2] if not self._has_folders else ""
        room = min(_LONGEST_NAME, _LONGEST_KEY - (_bytes(whole) - _bytes(name)))
        mark = "" if self.is_local else f".{_digest(content)[:16]}"
        return Destination(self._fs, posixpath.join(folder, _temporary(name, mark, room)))

    def size(self) -> int | None:
        """Return the size in bytes; ``None`` if there is no file."""
        self._fs.invalidate_cache()  # fsspec caches listings: another task's file would be missed
        try:
            return cast(int, self._fs.info(self.path)["size"])
        except FileNotFoundError:
            return None

    def open(self) -> BinaryIO:
        """Open it for reading; it is seekable."""
        return cast(BinaryIO, self._fs.open(self.path, "rb", block_size=_PIECE))

    def sha256(self) -> str:
        """Return the hash of the stored file, in lower-case hex."""
        digest = hashlib.sha256()
        with self.open() as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()

    def lock(self) -> int | None:
        """Create the file and lock it against other tasks of this machine.

        The kernel releases the lock when the process ends, however that happens.

        :returns: the descriptor whose closing releases the lock; ``None`` for an object store, which has no locks.
        :raises OSError: if another task holds the lock.
        """
        if not self.is_local:
            return None
        self._make_folder()
        while (lock := _locked(self.path)) is None:
            pass  # its holder has just published it: the name is free again
        return lock

    def create(self) -> Any:
        """Open it for writing; what was there is replaced."""
        self._make_folder()
        return self._fs.open(self.path, "wb", block_size=BLOCK, **arguments_for(self._protocols, self.content_type))

    def _make_folder(self) -> None:
        if self._has_folders:
            self._fs.makedirs(posixpath.dirname(self.path), exist_ok=True)

    def move_to(self, target: Destination) -> None:
        """Move it to another name in the same store, replacing what is there.

        :param target: in the same store.
        """
        if self.is_local:
            # A rename: readers see the old file or the new one, never a part.
            self._fs.mv(self.path, target.path)
        else:
            # S3 copies a large object in parts (multipart copy), which drops the content type of the source.
            again = arguments_for(self._protocols, self.content_type) if "s3" in self._protocols else {}
            self._fs.cp_file(self.path, target.path, **again)
            self.remove()

    def remove(self) -> None:
        """Remove it, if it is there."""
        if self.size() is not None:
            self._fs.rm_file(self.path)


def _locked(path: str) -> int | None:
    """Open and lock a file; ``None`` if it was renamed between the two.

    The holder of the lock publishes the file by renaming it. A lock on that inode would protect the published file, and
    writing to it would corrupt it.
    """
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


def _temporary(name: str, mark: str, room: int) -> str:
    """Return the name of the temporary file for ``name``, of at most ``room`` bytes."""
    if _bytes(usual := f".{name}{mark}.part") <= room:
        return usual
    digest = _digest(name + mark)[:32]
    return short if len(short := f".{digest}.part") <= room else f".{digest}"[: max(room, 2)]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _bytes(name: str) -> int:
    return len(name.encode(errors="surrogatepass"))


class Draft:
    """A sink that writes the temporary file of a destination, and removes it at the end unless it was published.

    :param destination: where it is to be published.
    :param content: names what is stored; ``None`` if no other task, or attempt, will store just the same.
    """

    def __init__(self, destination: Destination, content: str | None = None) -> None:
        self._destination = destination
        self.temporary = destination.temporary(uuid.uuid4().hex if content is None else content)
        self._file: Any = None
        self._lock: int | None = None
        self._digest = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._abandon()  # flushes its buffer, which fails on a full disk
        finally:
            self._remove()

    @property
    def sha256(self) -> str:
        """The hash of all bytes so far, in lower-case hex."""
        return self._digest.hexdigest()

    def begin(self, body: Body) -> None:
        """Drop what was written and start the file."""
        self._abandon()
        self.temporary.content_type = content_type_of(self._destination.path, body.content_type)
        # Taken once and held over restarts: in between, another task could otherwise start on the same name.
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
        """Write the last bytes; raise ``OSError`` if the store does not have all of them."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._check_whole()

    def publish(self) -> None:
        """Move it to the destination, replacing what is there; raise ``OSError`` if it is no longer complete."""
        self._check_whole()  # again: it may have been checked for a minute, and object stores have no locks
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
        elif not self.temporary.is_local:  # a local file that this task did not lock belongs to another task
            self.temporary.remove()

    def _abandon(self) -> None:
        if self._file is None:
            return
        if isinstance(self._file, AbstractBufferedFile):
            # Closing it would complete the upload.
            self._file.discard()
            self._file.closed = True
        else:
            self._file.close()
        self._file = None


class Comparison:
    """A sink that stores nothing and compares the bytes with a file that is there already."""

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
        """Start again.

        :param body: what the headers say of the download.
        :raises DifferentContent: if its stated length differs, before anything is downloaded.
        """
        if body.length not in (None, self._expected):
            raise DifferentContent(f"it has {self._expected} bytes, and the result {body.length}")
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._digest.update(piece)
        self.size += len(piece)

    def check(self) -> None:
        """Raise :class:`DifferentContent` if the bytes differ."""
        if self.size != self._expected or self.sha256 != self._destination.sha256():
            raise DifferentContent("its content differs")
