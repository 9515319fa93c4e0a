# SPDX-License-Identifier: Apache-2.0
"""Send polls over aiohttp directly: a client of httpx in between costs more CPU than the request itself.

aiohttp raises the same error for a connection that was never made and for one that died during a request, and
kept-alive connections often do. So both are called "not sent", and only what may be repeated is sent here.
"""

from __future__ import annotations

import aiohttp
import httpx
from yarl import URL

from airflow_provider_videoai.jobs.http.attempt import HEADERS, Deadline, Exchange, LostError, NotSentError, signed
from airflow_provider_videoai.jobs.http.departure import Departure
from airflow_provider_videoai.jobs.http.environment import tls
from airflow_provider_videoai.jobs.http.network_errors import Unreadable, why
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call

__all__ = ["AiohttpSession"]


class AiohttpSession:
    """One aiohttp session for all polls per account.

    :param account: whose vendor is polled.
    :param connections: how many it may have open.
    """

    def __init__(self, account: Account, connections: int) -> None:
        self._account = account
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=tls()),
            # No vendor documents cookies: none that a gateway sets is kept, or sent back.
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=HEADERS,
            # Decoded by Exchange, up to a limit: a few kB of gzip can hold gigabytes.
            auto_decompress=False,
        )

    async def send(self, call: Call, auth: httpx.Auth, deadline: Deadline, departure: Departure) -> Answer:
        """Send a call once.

        :param call: any but one that buys.
        :param auth: signs it, afresh for each call.
        :param deadline: by when all of the answer must have come.
        :param departure: by when it must leave.
        :raises NotSentError: if no connection could be made or kept, or not before it is late.
        :raises LostError: if the answer is not whole, or too long.
        """
        exchange = Exchange()
        with exchange.judged():
            request = signed(self._account, call, auth)
        try:
            return await self._sent(request, exchange, deadline, departure)
        except aiohttp.ConnectionTimeoutError as failure:
            departure.check()  # another place may be all that it needs
            raise NotSentError(why(failure)) from failure
        except (aiohttp.ClientConnectionError, ValueError) as failure:  # ValueError: the host is no address at all
            raise NotSentError(why(failure)) from failure
        except (aiohttp.ClientError, Unreadable, OSError) as failure:
            raise LostError(why(failure)) from failure

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _sent(
        self, request: httpx.Request, exchange: Exchange, deadline: Deadline, departure: Departure
    ) -> Answer:
        departure.check()
        seconds = deadline.left()
        async with self._session.request(
            request.method,
            URL(str(request.url), encoded=True),  # yarl would encode it once more, and the signature would not match
            headers=request.headers.multi_items(),
            data=request.content or None,
            # A redirect would turn a POST into a GET (ViiTor's gateway answers plain HTTP so), and take the
            # credentials to another host.
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds, connect=min(departure.left, seconds)),
        ) as response:
            async for chunk in response.content.iter_any():
                exchange.add(chunk)
            return exchange.answer(response.status, response.headers)
