# SPDX-License-Identifier: Apache-2.0
"""Every vendor wants a login and a password, and shows neither."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import AuthenticationFailed
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.vendors.aidge import Aidge
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH
from airflow_provider_videoai.vendors.topview import Topview
from airflow_provider_videoai.vendors.viitor import ViiTor

pytestmark = pytest.mark.parametrize("vendor", [ViiTor, Aidge, CDNetworks, Topview, TencentIVH])


@pytest.mark.parametrize("missing", ["login", "password"])
def test_a_connection_without_credentials_sends_nothing(open_account: Any, vendor: type[Vendor], missing: str) -> None:
    opened = open_account(vendor, **{missing: ""})
    with pytest.raises(AuthenticationFailed, match=f"has no {missing} .*; nothing was sent"):
        _ = opened.auth


def test_the_account_does_not_show_its_secret(open_account: Any, vendor: type[Vendor]) -> None:
    shown = repr(open_account(vendor, login="424242", password="not to be seen").account)
    assert "424242" not in shown
    assert "not to be seen" not in shown
