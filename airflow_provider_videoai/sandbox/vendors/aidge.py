# SPDX-License-Identifier: Apache-2.0
"""Response shapes of Aidge.

``taskStatus``: as on the pages of its other APIs. ``bare``: no state, a videoUrl means done.
``TaskStatus``: PascalCase, as on help.aliyun.com.
"""

LOGIN = "500001"
PASSWORD = "sandbox-aidge-secret"
SHAPES = ("taskStatus", "bare", "TaskStatus")
