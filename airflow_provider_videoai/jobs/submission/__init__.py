# SPDX-License-Identifier: Apache-2.0
"""Obtain a job once: the record that is written before the submit, and what it decides."""
