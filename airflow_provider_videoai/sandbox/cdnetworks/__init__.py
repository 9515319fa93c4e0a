# SPDX-License-Identifier: Apache-2.0
r"""CDNetworks Cloud VoD: trimming, publishing and pulling videos, in both editions of its authentication.

Choices where the vendor's pages are silent:

====================================  ==========================================================================
authentication failure                HTTP 401, ``code`` 1301 (no permission): unknown key, wrong signature, clock more
                                      than five minutes off, signature seen before within five minutes
business errors                       HTTP 200
a field absent, of wrong type         1000, save those that have a code of their own (1502, 1503, 1601, 1602)
or value, or unknown
duplicate ``transNo``                 1602, "TRANSNO already exists"
``transNo`` alphabet                  letters, digits, ``_``, ``-``
special characters in a file name     ``\ / : * ? " < > |`` and control characters: 1504
``data`` of an accepted trim          the task id
1560 (being processed)                while the job is queued; then status 1
video found in the wrong state        a video being trimmed has no id yet, so 1502
full quota                            HTTP 429, ``code`` 429: no code of its own is known
recommended rate                      counted in the ledger, never refused
``urlType`` of a published video      ``"PC"``
the video of a pull that failed       ``pullStatus`` 3, empty ``videoInfo``
====================================  ==========================================================================
"""

from airflow_provider_videoai.sandbox.cdnetworks.service import CDNetworks

__all__ = ["SERVICE", "CDNetworks"]

SERVICE = CDNetworks
