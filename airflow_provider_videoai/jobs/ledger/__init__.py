# SPDX-License-Identifier: Apache-2.0
"""What the processes of a deployment share about an account, in a SQL database: see :mod:`.ledger`."""
