# SPDX-License-Identifier: Apache-2.0
"""One file a vendor: how to sign, ask, and read answers. No I/O, no Airflow."""
