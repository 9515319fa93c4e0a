# SPDX-License-Identifier: Apache-2.0
"""Tencent Cloud AI Digital Human: ``videomake``, ``tts`` and ``getprogress``.

Choices where the vendor's pages are silent:

====================================  ==========================================================================
HTTP status of errors                 200, with ``Header.Code``
authentication failure                100005 (unauthorised)
``Header`` or ``Payload`` absent,     100001
a field absent or unknown
a field of wrong type or value        100002
unknown ``VirtualmanKey``             100016; unknown ``TimbreKey``: 100009; unknown task: 110006, no ``Payload``
``VideoParam.Format``                 the union of all editions: TransparentWebm (default), TransparentMov, Mp4,
                                      GreenScreenMp4
sixth video of one avatar             accepted, waits in COMMIT; a second audio task: 100008
``TaskId``                            32 hex digits, queried as a string
``Duration`` before the end           0
call-backs to ``CallbackUrl``         none are sent
====================================  ==========================================================================
"""

from airflow_provider_videoai.sandbox.tencent_ivh.service import TencentIVH

__all__ = ["SERVICE", "TencentIVH"]

SERVICE = TencentIVH
