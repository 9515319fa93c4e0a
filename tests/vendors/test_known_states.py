# SPDX-License-Identifier: Apache-2.0
"""Each vendor names the states that it documents; any other is told in the log."""

from __future__ import annotations

import pytest

from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.vendors.aidge import Aidge
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH
from airflow_provider_videoai.vendors.topview import Topview
from airflow_provider_videoai.vendors.viitor import ViiTor


@pytest.mark.parametrize(
    ("vendor", "documented"),
    [
        (ViiTor, "1 2 3 4 5 6"),
        (Aidge, "submitted queued running in_progress finished completed failed"),
        (CDNetworks, "1 2 3 1560"),
        (Topview, "init running success fail failed"),
        (TencentIVH, "commit making success fail"),
    ],
)
def test_known_states_are_the_documented_ones(vendor: type[Vendor], documented: str) -> None:
    assert vendor.known_states == set(documented.split())
