# SPDX-License-Identifier: Apache-2.0
"""Limit an account's jobs in flight: leases in the ledger, taken before a submit, renewed by whoever waits."""
