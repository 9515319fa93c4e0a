# SPDX-License-Identifier: Apache-2.0
"""The location of a user's file: a path, or the URL of a file in a store of Airflow's ``ObjectStoragePath``.

Such a URL is not a URI: after the bucket follows the unescaped name. ``#``, ``?`` and ``%`` are a part of it.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast
from urllib.parse import quote

from airflow.sdk import BaseHook, ObjectStoragePath

from airflow_provider_videoai.airflow_compat import AirflowNotFoundException
from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed, VideoAIError
from airflow_provider_videoai.jobs.values.printable import printable

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = [
    "FileLocation",
    "FilePath",
    "StoreUrl",
    "asset_uri",
    "check_name",
    "reason",
    "redacted_path",
    "require_connection",
    "store_errors",
    "store_url",
]

FilePath: TypeAlias = str | PurePath | ObjectStoragePath
"""A path, or the URL of a file in a store of Airflow's ``ObjectStoragePath``."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_WEB = frozenset({"http", "https", "ftp", "ftps"})
_LOCAL = frozenset({"file", "local"})
# Not escaped. Airflow or a reader may misinterpret + ' [ ], so these are escaped, although RFC 3986 allows them.
_PLAIN = "/:@!$&()*,;=~"
_S3_VERSION = "?versionId="
"""s3fs splits a key here and takes the rest as a version, although a key may contain this text."""
_EXTRAS = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "s3a": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    **dict.fromkeys(("abfs", "abfss", "adl"), "apache-airflow-providers-microsoft-azure"),
}
_EXAMPLE = "s3://conn@bucket/folder/name or file:///folder/name, say"
_FOR_WEB = (
    "a web address is not read as a file. Download it to a store of your own first, or give it to an argument that "
    "takes URLs, such as fetch_url of CDNetworksPullVideoOperator or input_audio_url of TencentVideoMakeOperator"
)


class StoreUrl(NamedTuple):
    """The parts of a store's URL.

    :param conn_id: the Airflow connection; ``None`` if the URL has none.
    :param container: the bucket; empty for a file system.
    :param key: the file's name with its folders, unescaped.
    """

    scheme: str
    conn_id: str | None
    container: str
    key: str

    @property
    def name(self) -> str:
        """The file's own name, without its folder."""
        return self.key.rpartition("/")[2]

    @property
    def is_web(self) -> bool:
        """Whether it is a web URL, whose query may hold secrets, and not the URL of a store."""
        return self.scheme in _WEB

    @property
    def uri(self) -> str:
        """The URI for Airflow's assets: escaped, and without the connection."""
        return f"{self.scheme}://{quote(f'{self.container}/{self.key}', _PLAIN, errors='replace')}"


def store_url(text: str) -> StoreUrl | None:
    """Return the parts of a store's URL; ``None`` for a plain path.

    :param text: what the user gave.
    """
    if (scheme := _SCHEME.match(text)) is None:
        return None
    # Not urlsplit: it would cut a file's name at # or ?, and two takes would become one asset.
    authority, _, key = text[scheme.end() :].partition("/")
    # From the right: a login that was pasted into the URL may itself contain an @.
    conn_id, _, container = authority.rpartition("@")
    return StoreUrl(scheme[1].lower(), conn_id or None, container, key)


def asset_uri(path: str) -> str:
    """Return the URI of the asset at a store's URL, without its connection.

    :param path: the URL; its connection is left out, so that two connections to a store mean one asset.
    """
    parts = store_url(path)
    return path if parts is None else parts.uri


def redacted_path(path: str) -> str:
    """Return a path for a log or an error: on one line, and without a login in its authority.

    :param path: what the user gave.
    """
    parts = store_url(path)
    if parts is None or parts.conn_id is None or ":" not in parts.conn_id:
        return printable(path)
    return printable(f"{parts.scheme}://***@{parts.container}/{parts.key}")


def require_connection(url: str, conn_id: str | None = None) -> None:
    """Read the connection of a store's URL: to Airflow, S3 without it is S3 without credentials.

    Its error would be one of the network then, and would come with the first request.

    :param url: of a file; a plain path, or a URL that names no connection, needs none.
    :param conn_id: the Airflow connection of a URL that names none.
    :raises AirflowNotFoundException: if there is no such connection; :func:`store_errors` translates it.
    """
    parts = store_url(url)
    if parts and (named := parts.conn_id or conn_id):
        BaseHook.get_connection(named)


def check_name(argument: str, source: object) -> str:
    """Return the file name of a path or a store's URL.

    :param argument: the operator's argument, for the message.
    :raises InvalidRequest: for a web URL, and for names that no file can have.
    """
    text = str(source)
    parts = store_url(text)
    if (parts and parts.is_web) or text.startswith(("http:", "https:")):
        raise InvalidRequest(f"{argument}: must be a path, or the URL of a file in a store ({_EXAMPLE}); {_FOR_WEB}")
    name = parts.name if parts else text.rpartition("/")[2]
    if name in ("", ".", "..") or (parts and not parts.container and parts.scheme not in _LOCAL):
        raise InvalidRequest(
            f"{argument}: must be the URL of a file ({_EXAMPLE}), and {redacted_path(text)!r} does not name one"
        )
    if "\0" in text or (parts and not _is_encodable(text)):
        raise InvalidRequest(
            f"{argument}: {redacted_path(text)!r} has characters that no name may "
            "have: NUL, or half of a surrogate pair"
        )
    return name


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class FileLocation:
    """A file in a connected store.

    :param url: as it was given.
    :param name: without its folder.
    :param fs: the store.
    :param path: the store's own name of the file.
    """

    url: str
    name: str
    fs: AbstractFileSystem
    path: str

    @classmethod
    def find(cls, argument: str, given: object, conn_id: str | None = None) -> FileLocation:
        """Connect to the store of a file.

        :param argument: the operator's argument, for the message.
        :param conn_id: the Airflow connection of a URL that names none.
        :raises InvalidRequest: if there is no such store, or it cannot hold a file of that name.
        :raises StorageFailed: if the connection cannot be read.
        """
        name, url = check_name(argument, given), str(given)
        if isinstance(given, ObjectStoragePath):
            with store_errors(argument, url):
                return cls(url, name, given.fs, given.path)
        parts = store_url(url)
        with store_errors(argument, url):
            fs = _connected(parts, conn_id)
            path = str(fs._strip_protocol(f"{parts.scheme}://{parts.container}/{parts.key}" if parts else url))  # noqa: SLF001
        if path.rpartition("/")[2] != name or (parts and parts.scheme in ("s3", "s3a") and _S3_VERSION in path):
            raise InvalidRequest(f"{argument}: this store cannot hold a file with the name {printable(name)!r}")
        return cls(url, name, fs, path)

    def facts(self, argument: str) -> Mapping[str, Any]:
        """Return what the store says of the file now, as fsspec's ``info`` does; its content is not read.

        :param argument: the operator's argument, for the message.
        :raises InvalidRequest: if there is no such file, or it is empty.
        :raises StorageFailed: if the store failed.
        """
        with store_errors(argument, self.url):
            # fsspec keeps listings per process: a file that was replaced meanwhile would count as the same one.
            self.fs.invalidate_cache()
            try:
                facts = cast(Mapping[str, Any], self.fs.info(self.path))
            except FileNotFoundError:
                raise InvalidRequest(f"{argument}: there is no file at {redacted_path(self.url)}") from None
            if facts["type"] != "file" or not facts["size"]:
                raise InvalidRequest(f"{argument}: {redacted_path(self.url)} is not a file, or is empty")
            return facts


def _connected(parts: StoreUrl | None, conn_id: str | None) -> AbstractFileSystem:
    from airflow.sdk.io import attach

    return attach(parts.scheme, parts.conn_id or conn_id).fs if parts else attach("file").fs


@contextmanager
def store_errors(
    argument: str, path: str, *, failed: str = "cannot be read", fate: str = "A retry reads it again, and buys nothing"
) -> Iterator[None]:
    """Translate errors of a store's library to errors of this package with the argument, the location and a remedy.

    The libraries have error classes without a common base, hence the broad ``except``.

    :param argument: the argument that names the file.
    :param path: what the user gave.
    :param failed: what could not be done with the file.
    :param fate: what became of the file and the money, and what a retry does.
    :raises InvalidRequest: if there is no such store or name.
    :raises StorageFailed: for other errors. A missing connection is one of them: Airflow reports one also while a
        secrets backend is unavailable, so a retry may help.
    """
    try:
        yield
    except VideoAIError:
        raise
    except (ImportError, ValueError) as failure:
        raise InvalidRequest(
            f"{argument}: {redacted_path(path)} cannot be opened ({reason(failure, path)})"
        ) from failure
    except Exception as failure:
        module = type(failure).__module__.partition(".")[0]
        if not isinstance(failure, OSError) and module in ("builtins", "airflow_provider_videoai"):
            raise
        text = f"{argument}: {redacted_path(path)} {failed} ({reason(failure, path)})"
        raise StorageFailed(f"{text}. {fate}") from failure


def reason(failure: Exception, path: str) -> str:
    """Return the cause of a store's error, and a remedy.

    Of errors that are not the operating system's only the class is shown: their messages may contain a signed URL.

    :param failure: what the store's library raised.
    :param path: what the user gave.
    """
    words = failure.strerror if isinstance(failure, OSError) else None
    said = f"{type(failure).__name__}: {printable(words)}" if words else type(failure).__name__
    return f"{said}; {remedy}" if (remedy := _remedy(failure, path)) else said


def _remedy(failure: Exception, path: str) -> str:
    kind, scheme = type(failure).__name__, parts.scheme if (parts := store_url(path)) else "file"
    if isinstance(failure, AirflowNotFoundException):
        return "name an Airflow connection that exists (it also counts as missing while its backend is unavailable)"
    if "Credential" in kind:
        return "name an Airflow connection that exists and holds credentials: s3://conn@bucket/..."
    if isinstance(failure, PermissionError):
        return "give the account of its Airflow connection the right to read and write there"
    if isinstance(failure, FileNotFoundError | NotADirectoryError):
        return "make its bucket or folder first, or correct the name"
    if isinstance(failure, ImportError | ValueError) and scheme not in _LOCAL:
        return (
            f"is the package of its store installed? pip install '{_EXTRAS[scheme]}'"
            if scheme in _EXTRAS
            else ("is the scheme right, and the package of its store installed?")
        )
    return "correct the name" if getattr(failure, "errno", None) == errno.ENAMETOOLONG or "Validation" in kind else ""
