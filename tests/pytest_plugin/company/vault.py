# SPDX-License-Identifier: Apache-2.0
"""What a company's Airflow at work uses: here it only notes that it was reached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from airflow.sdk.bases.xcom import BaseXCom
from airflow.secrets import BaseSecretsBackend

HERE = Path(__file__).parent
CONNECT_ARGS = {"sslmode": "require"}


class Vault(BaseSecretsBackend):
    """Has a real account for every connection."""

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str:
        """Note the id, and return the account."""
        with (HERE / "looked_up").open("a") as file:
            file.write(f"{conn_id} {team_name}\n")
        return json.dumps({"conn_type": "viitor", "login": "12345", "password": "a real token"})


class Drawer:
    """Stores what tasks keep in their state elsewhere."""

    def __init__(self) -> None:
        (HERE / "drawn").touch()


class Bucket(BaseXCom):
    """Stores XComs elsewhere."""

    @staticmethod
    def serialize_value(value: Any, **others: Any) -> Any:
        """Note the key."""
        with (HERE / "stored").open("a") as file:
            file.write(f"{others.get('key')}\n")
        return BaseXCom.serialize_value(value, **others)
