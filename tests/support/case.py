# SPDX-License-Identifier: Apache-2.0
"""What belongs to one operator, with a request that the sandbox accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.sandbox import CREDENTIALS
from airflow_provider_videoai.sensors.job import VideoJobSensor

CLIP = "SANDBOX/sample/clip.mp4"
"""A request's URL of the sandbox's own clip."""


@dataclass(frozen=True)
class Case:
    """One operator with a request that the sandbox accepts, and a ``change`` that makes it another one."""

    name: str
    operator: type[VideoJobOperator]
    sensor: type[VideoJobSensor]
    fields: Mapping[str, Any]
    change: Mapping[str, Any]
    makes: str = "video"
    charged: bool = True
    absent_id: str = "0" * 32

    @property
    def hook(self) -> type[VideoJobHook]:
        return self.operator.hook_class

    @property
    def vendor(self) -> str:
        return self.hook.vendor_class.key

    @property
    def operation(self) -> str:
        return self.operator.request_class.operation

    @property
    def conn_id(self) -> str:
        return self.hook.default_conn_name

    @property
    def conn_argument(self) -> str:
        return self.hook.conn_name_attr

    @property
    def password(self) -> str:
        return CREDENTIALS[self.vendor].password

    def request(self, sandbox: Any, **changes: Any) -> dict[str, Any]:
        texts = {name: value for name, value in self.fields.items() if isinstance(value, str)}
        filled = {name: value.replace("SANDBOX", sandbox.url) for name, value in texts.items()}
        return {**self.fields, **filled, **changes}
