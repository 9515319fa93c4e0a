# SPDX-License-Identifier: Apache-2.0
"""Topview: video avatars, uploads, and the lists that go with them.

Choices where the vendor's pages are silent:

====================================  ==========================================================================
HTTP status of business errors        200, with the string ``code``
authentication failure                HTTP 401, ``code`` "401"
a field absent                        4003; of wrong value or unknown: 4000; a file of the wrong kind: 4001
an unknown id, or a file not yet      4004
uploaded
``status`` in the answer to a submit  "success": it is accepted, as on the pages of the other tasks
full quota                            4007 (unfinished task exists, wait)
price                                 1 credit a video avatar, of 1000; without credit 4100
``costCredit`` of a task              as on the query pages of the other tasks: 0, its default, until the task has
                                      ended; then the price that the credit log has
fields of a result not there yet      null
pre-signed URLs                       one hour; an ``Authorization`` header beside the signed query is refused with 400,
                                      as S3 does
``modeType``                          0 and 1 are documented, 2 is what other clients send
notices to ``noticeUrl``              none are sent
====================================  ==========================================================================
"""

from airflow_provider_videoai.sandbox.topview.service import Topview

__all__ = ["SERVICE", "Topview"]

SERVICE = Topview
