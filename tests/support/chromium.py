"""A headless Chromium: pages as people see them, and what the browser has to say against them.

It is told what to do through the DevTools protocol over a pair of pipes: no port, no profile of
anybody, and it ends when the pipes do.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.support.deadlines import waitFor

#: Seconds that an answer of the browser may take on a machine that does other things as well.
PATIENCE = 60.0

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)


class BrowserError(AssertionError):
    """The browser has refused what it was told, has failed, or says nothing."""


class Chromium:
    """A browser.

    @ivar events: what it has told of its own accord: method, parameters and session.
    """

    def __init__(self, program: str, directory: Path) -> None:
        """
        @param directory: for its profile and its log.
        """
        reading, theirWriting = os.pipe()
        theirReading, writing = os.pipe()
        self._reading, self._writing = reading, writing
        self._received = b""
        self._number = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self.events: list[tuple[str, dict[str, Any], str]] = []
        # It reads what it is told from descriptor 3, and answers on 4.
        command = f'exec "$0" "$@" 3<&{theirReading} 4>&{theirWriting}'
        with (directory / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", command, program, *_FLAGS, f"--user-data-dir={directory}/profile"],
                pass_fds=(theirReading, theirWriting),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(directory)},
                process_group=0,
            )
        os.close(theirReading)
        os.close(theirWriting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End it and wait until it has ended."""
        os.close(self._writing)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._reading)

    def open(self, url: str, **screen: Any) -> Page:
        """
        @param screen: as for L{Page.show}.
        @return: a page in a window of its own, with cookies and logins of its own.
        """
        context = self.tell("Target.createBrowserContext")["browserContextId"]
        target = self.tell("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.tell("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"], context)
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            page.tell(f"{domain}.enable")
        page.show(**screen)
        if url != "about:blank":
            page.go(url)
        return page

    def tell(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Have it do something.

        @return: what it answers.
        @raise BrowserError: if it cannot, or does not in time.
        """
        number = self._send(method, session, parameters)
        deadline = time.monotonic() + PATIENCE
        while number not in self._answers:
            self._receive(method, max(0.0, deadline - time.monotonic()))
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def send(self, method: str, session: str | None = None, **parameters: Any) -> None:
        """Have it do something, and do not wait for it."""
        self._send(method, session, parameters)

    def _send(self, method: str, session: str | None, parameters: Mapping[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._writing, data) :]
        return self._number

    def _receive(self, what: str, timeout: float) -> None:
        readable, _, _ = select.select([self._reading], [], [], timeout)
        data = os.read(self._reading, 1 << 20) if readable else None
        if not data:
            raise BrowserError(f"{what}: {'no answer' if data is None else 'it has ended'}")
        *messages, self._received = (self._received + data).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self.events.append(
                    (message["method"], message["params"], message.get("sessionId", ""))
                )
                self._authenticate(*self.events[-1])

    #: Name and password for whoever asks.
    login: tuple[str, str] | None = None

    def _authenticate(self, method: str, parameters: dict[str, Any], session: str) -> None:
        """Answer what waits for one, once L{Page.logIn} was called."""
        number = parameters.get("requestId")
        if method == "Fetch.requestPaused":
            self.send("Fetch.continueRequest", session, requestId=number)
        elif method == "Fetch.authRequired":
            name, password = self.login or ("", "")
            answer = {"response": "ProvideCredentials", "username": name, "password": password}
            self.send(
                "Fetch.continueWithAuth", session, requestId=number, authChallengeResponse=answer
            )


class Page:
    """One page of a browser."""

    def __init__(self, browser: Chromium, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context

    def close(self) -> None:
        """Close its window."""
        self._browser.tell("Target.disposeBrowserContext", browserContextId=self._context)

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """As L{Chromium.tell}, about this page."""
        return self._browser.tell(method, self._session, **parameters)

    def show(
        self, width: int = 1200, height: int = 900, dark: bool = False, isPhone: bool = False
    ) -> None:
        """Have a screen of this kind."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=isPhone,
        )

    def logIn(self, name: str, password: str) -> None:
        """Have somebody sit there who knows a password, and types it whenever he is asked."""
        self._browser.login = (name, password)
        self.tell("Fetch.enable", handleAuthRequests=True)

    def go(self, url: str) -> None:
        """Load a page, with all that belongs to it."""
        failure = self.tell("Page.navigate", url=url).get("errorText")
        if failure:
            raise BrowserError(f"{url}: {failure}")
        self.until("document.readyState === 'complete'")

    def evaluate(self, expression: str) -> Any:
        """
        @return: what a JavaScript expression is, as JSON has it.
        @raise BrowserError: if it throws.
        """
        answer = self.tell("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until a JavaScript expression is true.

        @return: what it is.
        """
        return waitFor(lambda: self.evaluate(expression), expression)

    def text(self, selector: str) -> str:
        """
        @return: what can be read in an element.
        """
        text: str = self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
        return text

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.tell(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=9
            )

    def spoken(self) -> list[tuple[str, str]]:
        """
        @return: role and name of everything that a screen reader finds.
        """
        nodes = self.tell("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]

    def requested(self) -> list[str]:
        """
        @return: the URLs that it has asked for.
        """
        return [each["request"]["url"] for each in self._told("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """
        @return: what the browser or a script has complained of: exceptions, what the policy of the
            page forbids, what could not be loaded.
        """
        thrown = [str(each["exceptionDetails"]) for each in self._told("Runtime.exceptionThrown")]
        logged = [each["entry"]["text"] for each in self._told("Log.entryAdded")]
        said = [str(each["args"]) for each in self._told("Runtime.consoleAPICalled")]
        return thrown + logged + said

    def _told(self, name: str) -> list[dict[str, Any]]:
        return [
            parameters
            for method, parameters, session in self._browser.events
            if (method, session) == (name, self._session)
        ]

    def picture(self) -> bytes:
        """
        @return: what is on the screen, as PNG.
        """
        return b64decode(self.tell("Page.captureScreenshot", format="png")["data"])
