# SPDX-License-Identifier: Apache-2.0
"""Code as users write it: `make check` runs mypy and pyright on it, and a test runs the DAGs."""
