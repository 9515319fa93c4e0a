# SPDX-License-Identifier: Apache-2.0
"""Pre-signed URLs in the form of S3, and their CloudFront counterparts without a signature."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from calendar import timegm
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from airflow_provider_videoai.sandbox.endpoints import general_fault
from airflow_provider_videoai.sandbox.faults import REPLACING_FAULTS, CallKind
from airflow_provider_videoai.sandbox.media.rendered import Media
from airflow_provider_videoai.sandbox.media.serving import serve, storage_error
from airflow_provider_videoai.sandbox.topview.catalogue import Account

S3, CLOUDFRONT = "/topview-s3", "/topview-cloudfront"
# Shorter than the 24 hours of the signatures in the vendor's samples.
EXPIRES = 3600
LARGEST_UPLOAD = 512 * 1024 * 1024
_DATE = "%Y%m%dT%H%M%SZ"
_SIGNATURE = "X-Amz-Signature"


class Signer:
    """Signs URLs with a key that nobody else has, new per sandbox."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def url(self, base_url: str, method: str, media: Media) -> str:
        """Return a URL for one method that is valid for an hour.

        :param method: GET or PUT; GET serves HEAD too.
        :param media: the file.
        :returns: a new URL at every call, so that each can expire by itself.
        """
        path = f"{S3}/{media.token}/{media.name}"
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            # With a random part: two URLs that are signed within one second would be equal otherwise.
            "X-Amz-Credential": f"SANDBOX{secrets.token_hex(6).upper()}/sandbox/s3/aws4_request",
            "X-Amz-Date": time.strftime(_DATE, time.gmtime()),
            "X-Amz-Expires": str(EXPIRES),
            "X-Amz-SignedHeaders": "host",
        }
        query[_SIGNATURE] = self._sign(method, path, query)
        return f"{base_url}{path}?{urlencode(query)}"

    def problem(self, method: str, path: str, raw_query: str) -> str | None:
        """Return what is wrong with a signed URL, or ``None``.

        :param path: as it was requested.
        :param raw_query: as it was sent, signature included.
        """
        query = dict(parse_qsl(raw_query, keep_blank_values=True))
        given = query.pop(_SIGNATURE, "")
        # A URL that was signed for GET serves HEAD as well here, unlike on S3, where few clients know that it does not.
        expected = self._sign("GET" if method == "HEAD" else method, path, query)
        if not hmac.compare_digest(expected.encode(), given.encode()):
            return "The request signature we calculated does not match the signature you provided."
        # Only after the signature: until then the date is anybody's.
        signed_at = timegm(time.strptime(query["X-Amz-Date"], _DATE))
        return "Request has expired" if time.time() > signed_at + EXPIRES else None

    def _sign(self, method: str, path: str, query: dict[str, str]) -> str:
        message = f"{method}\n{path}\n{urlencode(sorted(query.items()))}"
        return hmac.new(self._key, message.encode(), hashlib.sha256).hexdigest()


def cloudfront_url(base_url: str, media: Media) -> str:
    """Return the URL without a signature, which a query with ``needCloudFrontUrl`` yields.

    :param media: the file.
    """
    return f"{base_url}{CLOUDFRONT}/{media.token}/{media.name}"


class Bucket:
    """The storage behind the URLs.

    :param account: whose files these are.
    :param signer: that signed the URLs.
    """

    def __init__(self, account: Account, signer: Signer) -> None:
        self._account = account
        self._signer = signer

    def routes(self) -> list[Route]:
        """Return its routes."""
        where = "/{token}/{name}"
        return [
            Route(S3 + where, self._get_signed, methods=["GET"]),
            Route(S3 + where, self._put, methods=["PUT"]),
            Route(CLOUDFRONT + where, self._get, methods=["GET"]),
        ]

    async def _get(self, request: Request) -> Response:
        where = request.path_params
        media = self._account.state.store.find("topview", where["token"], where["name"])
        return await serve(self._account.state, "topview", media, request)

    async def _get_signed(self, request: Request) -> Response:
        return self._refuse(request) or await self._get(request)

    async def _put(self, request: Request) -> Response:
        state = self._account.state
        fault = state.faults.claim("topview", CallKind.UPLOAD, REPLACING_FAULTS)
        if fault is not None:
            return general_fault(fault)
        refused = self._refuse(request)
        if refused is not None:
            return refused
        upload = next((u for u in self._account.uploads.values() if u.media.name == request.path_params["name"]), None)
        if upload is None:
            return storage_error(404, "NoSuchBucket", "The specified bucket does not exist")
        length = request.headers.get("content-length", "")
        # S3 refuses a PUT without a length, so chunked uploads fail there.
        if not length.isdigit():
            return storage_error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        size = 0
        with upload.media.path.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > LARGEST_UPLOAD:
                    return storage_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum size")
                file.write(chunk)
        if size != int(length):
            return storage_error(400, "IncompleteBody", "You did not provide the number of bytes specified")
        # Set last: a PUT that broke off leaves the file incomplete, and the check says false.
        upload.complete = size > 0
        return Response(status_code=200)

    def _refuse(self, request: Request) -> Response | None:
        # As S3 does: a pre-signed URL is an authorisation by itself. A client that sends its key along gives it to the
        # storage.
        if "authorization" in request.headers:
            return storage_error(400, "InvalidArgument", "Only one auth mechanism allowed")
        # The page on uploads: PUT the raw bytes, without any of Topview's headers.
        if "topview-uid" in request.headers:
            return storage_error(400, "InvalidArgument", "Topview's headers do not belong in a request to the storage")
        problem = self._signer.problem(request.method, request.url.path, request.url.query)
        return storage_error(403, "AccessDenied", problem) if problem else None
