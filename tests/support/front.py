"""keymw before an application, with a clock of the test's own."""

from collections.abc import Callable
import pathlib
import time
from typing import Any

import webtest

from keymw import factory
from tests.support.deployment import Deployment
from tests.support.deployment import Options
from tests.support.wire import Wire


def front(
    home: pathlib.Path,
    app: Any,
    options: Options | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> webtest.TestApp:
    """keymw set up in a folder and put before an application."""
    made = Deployment(home, options)
    made.set_up()
    wrapped = factory.wrap(app, str(made.conf_file), clock, sleep)
    return webtest.TestApp(
        webtest.lint.middleware(wrapped),
        extra_environ={'REMOTE_ADDR': '127.0.0.1'},
    )


def ask(
    web: webtest.TestApp,
    wire: Wire,
    method: str,
    path: str,
    token: str | None,
    body: bytes = b'',
) -> Any:
    """The answer to a request in one of the formats, whatever it is."""
    headers = {'Accept': wire.media_type}
    if token is not None:
        headers['X-Auth-Token'] = token
    if body:
        headers['Content-Type'] = wire.media_type
    return web.request(
        path, method=method, headers=headers, body=body, expect_errors=True
    )
