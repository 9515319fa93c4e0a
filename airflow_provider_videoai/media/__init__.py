# SPDX-License-Identifier: Apache-2.0
"""Media on its way: where a URL may lead, how its bytes are fetched, where they are kept. Knows nothing of Airflow."""
