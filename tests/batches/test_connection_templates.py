# SPDX-License-Identifier: Apache-2.0
"""The connection of a batch may be a template: its items are those of the account in which the attempt began."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest
from tests.operators.test_connection_templates import ODD, TEMPLATE, rendering

pytestmark = pytest.mark.usefixtures("prompt")

VIITOR = pytest.mark.parametrize("case", ["viitor"], indirect=True)


@VIITOR
def test_a_batch_goes_on_in_the_account_in_which_it_began_and_buys_nothing_again(
    case: Any, batch: Any, rows: Any, connect: Any, bought: Any
) -> None:
    params = {"account": connect("viitor")}
    made = rendering(batch(case, rows(case, 3), conn_id=TEMPLATE), params)
    deferred = made.defer()
    assert deferred.trigger.arguments.conn_id == params["account"]
    params["account"] = "viitor_default"
    assert made.go_on(deferred)["succeeded"] == 3
    assert len(bought(case)) == 3


@VIITOR
@pytest.mark.parametrize("field", ["conn_id", "input_conn_id"])
@pytest.mark.parametrize("value", ODD)
def test_what_is_no_connection_id_is_refused_before_anything_is_bought(
    field: str, value: str, case: Any, batch: Any, rows: Any, bought: Any
) -> None:
    made = rendering(batch(case, rows(case, 1), **{field: TEMPLATE}), {"account": value})
    with pytest.raises(InvalidRequest, match=f"^{field}: must be the id of an Airflow connection"):
        made.start()
    assert bought(case) == []
    assert made.ti.xcom_pull(key="video_batch")["refusal"]["error"] == "InvalidRequest"
