# SPDX-License-Identifier: Apache-2.0
"""``taskStatus``: as Aidge's sibling calls. ``bare``: no state, a videoUrl means done. ``TaskStatus``: PascalCase."""

LOGIN = "500001"
PASSWORD = "sandbox-aidge-secret"
SHAPES = ("taskStatus", "bare", "TaskStatus")
