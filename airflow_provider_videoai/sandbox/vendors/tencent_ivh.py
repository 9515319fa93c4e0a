# SPDX-License-Identifier: Apache-2.0
"""Tencent's own samples omit Status: Progress 100 or -1 is all there is.

It documents 5 videos and 1 audio at a time; against a sandbox, tests need not wait for a lease.
"""

LOGIN = "sandbox-ivh-appkey"
PASSWORD = "sandbox-ivh-accesstoken"
EXTRA = {"max_jobs_in_flight": 1000, "max_audio_jobs_in_flight": 1000}
SHAPES = ("status", "no_status")
