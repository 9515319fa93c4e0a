# SPDX-License-Identifier: Apache-2.0
"""Connection ids as template fields: checked once they are rendered, and the same for as long as a task waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Context
from typing_extensions import override

from airflow_provider_videoai.tasks.arguments import rendered_connection_id
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.template_literals import RendersText

if TYPE_CHECKING:
    from airflow_provider_videoai.hooks.job import VideoJobHook

__all__ = ["KeepsConnection", "UsesAccount", "connection_in", "optional_connection_in"]

_KEY = "conn_id"
"""The keyword of a deferral that holds the connection id."""


def connection_in(task: RendersText, field: str) -> str:
    """Return the connection id that an argument was rendered to.

    :param task: the running one.
    :param field: the name of the argument.
    :raises InvalidRequest: naming the argument, and where its value came from if it is empty, for what is no id.
    """
    with explained(task.empty_origins):
        return rendered_connection_id(field, getattr(task, field))


def optional_connection_in(task: RendersText, field: str) -> str | None:
    """Return the same of an argument that may be left out; ``None`` if it is.

    :param task: the running one.
    :param field: the name of the argument.
    :raises InvalidRequest: as :func:`connection_in`; also if it was given, and rendered to ``None``.
    """
    # A reference to an XCom that is missing gives None, too: it must not mean another connection than the user's.
    given = getattr(task, field) is not None or any(empty.field == field for empty in task.empty_origins)
    return connection_in(task, field) if given else None


class KeepsConnection(RendersText):
    """Base of tasks that wait in the triggerer for jobs of one account.

    Airflow renders a template again when a task resumes, hours later. The jobs are those of the account in which they
    were bought, so the task goes on with the connection id that it began to wait with.
    """

    conn_id: Any

    def _kept_connection(self) -> dict[str, Any]:
        """Return the keywords of a deferral that :meth:`resume_execution` takes the connection id from."""
        return {_KEY: self.conn_id}

    @override
    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        given = dict(next_kwargs or {})
        if _KEY in given:
            self.conn_id = given.pop(_KEY)
        return super().resume_execution(next_method, given, context)


class UsesAccount(KeepsConnection):
    """Base of a vendor's operators and sensors, whose connection is an argument under the vendor's own name.

    A subclass lists that name, :attr:`hook_class`' ``conn_name_attr``, among its ``template_fields``.
    """

    hook_class: ClassVar[type[VideoJobHook]]

    @property
    def conn_id(self) -> Any:
        """The Airflow connection of the account: what ``viitor_conn_id`` and so on hold."""
        return getattr(self, self.hook_class.conn_name_attr)

    @conn_id.setter
    def conn_id(self, value: Any) -> None:
        setattr(self, self.hook_class.conn_name_attr, value)

    def _hook(self) -> VideoJobHook:
        """Return the hook of the account.

        :raises InvalidRequest: naming the argument, if it was rendered to what is no connection id.
        """
        return self.hook_class(connection_in(self, self.hook_class.conn_name_attr))
