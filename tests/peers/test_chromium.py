"""The status page of a real server in a headless Chromium: what can be read, seen, heard and
reached by keys, in light and dark and on a phone, while calls go on and when there is trouble."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from tests.conftest import ServerStarter
from tests.peers.statuspage import BANS, FINDING, PageServer, madeUp, picture
from tests.support.chromium import Chromium, Page
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import sendSignal
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.users import addUsers

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.xdist_group("chromium")]

PHONE = {"width": 390, "height": 844, "isPhone": True}
FRESH = "document.body.dataset.news === 'fresh'"
#: The doctor's first round has ended.
FOUND = "document.querySelector('#findings').innerText.includes('warning: run-directory')"


@pytest.fixture(scope="module")
def browser(
    program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chromium]:
    with Chromium(program("chromium"), tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    """One with two pools for SIP and one for its page."""
    return startSharedServer(_configured(sharedConfiguration))


def _configured(configuration: Configuration) -> Configuration:
    configuration.listen("udp", workers=2)
    configuration.listen("tcp")
    configuration.listen("http", resources=["status"])
    configuration.table("resource.status", viewers=["127.0.0.1"])
    return configuration


def urlOf(server: Server) -> str:
    endpoint = server.endpoint("http")
    return f"http://{endpoint.host}:{endpoint.port}/status/"


@pytest.fixture
def page(browser: Chromium, server: Server) -> Iterator[Page]:
    """The page, with news of the server."""
    page = browser.open(urlOf(server))
    page.until(FRESH)
    yield page
    page.close()


def rows(page: Page, table: str) -> dict[str, list[str]]:
    """
    @return: the cells of each row by its heading.
    """
    cells = f"[...document.querySelectorAll('#{table} tbody tr')].map(row => [...row.cells]"
    texts: list[list[str]] = page.evaluate(f"{cells}.map(cell => cell.innerText))")
    return {row[0]: row[1:] for row in texts}


def column(page: Page, table: str, heading: str) -> dict[str, str]:
    headings = page.evaluate(
        f"[...document.querySelectorAll('#{table} thead th')].map(cell => cell.innerText)"
    )
    index = headings.index(heading) - 1
    return {name: cells[index] for name, cells in rows(page, table).items()}


def test_whatItSays(page: Page, server: Server) -> None:
    assert page.text("#state") == "Ready"
    assert "running for" in page.text("#server")
    assert list(rows(page, "pools")) == ["udp-0", "tcp", "http-0"]
    assert set(column(page, "pools", "Ready").values()) == {"2 of 2", "1 of 1"}
    assert set(column(page, "workers", "State").values()) == {"ready"}
    processes = {name: int(pid) for name, pid in column(page, "workers", "Process").items()}
    assert processes == server.workers()
    assert page.text("#banned") == "Nobody is banned."
    # The run directory of a test is open to all, which the doctor does not like.
    page.until(FOUND)
    assert f"chmod 0700 {server.configuration.runDirectory}" in page.text("#findings")


def test_itMoves(page: Page, server: Server) -> None:
    """Calls and registrations are seen while they happen."""
    address = server.endpoint("udp").address
    with UDPSocket(address) as caller, UDPSocket(address) as phone:
        assert phone.register("bob").status == 200
        callee = Callee(phone, "bob")

        def isSeen(plot: str) -> bool:
            Call(caller, f"sip:bob@{DOMAIN}").run(callee)
            assert phone.register("bob").status == 200
            now = f"document.querySelector('#{plot} strong').innerText"
            return bool(page.evaluate(f"parseFloat({now})"))

        waitFor(lambda: isSeen("calls") and isSeen("registers"), "calls and registrations")
    page.until("document.querySelector('#calls .line').getAttribute('d').includes('L')")
    label = page.evaluate("document.querySelector('#calls svg').getAttribute('aria-label')")
    assert label.startswith("Calls per second: ")
    assert page.text("#totals").startswith("Registered\n1")
    page.until("document.querySelector('#calls strong').innerText === '0.0'")


def test_nothingFromElsewhere(page: Page, server: Server) -> None:
    """Everything is from the server, and nothing has gone wrong."""
    assert {url.startswith(urlOf(server)) for url in page.requested()} == {True}
    assert page.complaints() == []


CONTRAST = """selector => {
    const light = color => {
        const [red, green, blue] = color.match(/[\\d.]+/g).map(Number).map(part => {
            part /= 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const element = document.querySelector(selector);
    let ground = element;
    while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") {
        ground = ground.parentElement;
    }
    const text = light(getComputedStyle(element).color);
    const behind = light(getComputedStyle(ground).backgroundColor);
    return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
}"""
"""A function: the contrast of a text with what is behind it (WCAG 2.2 §1.4.3)."""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desk", "phone"])
def test_readable(page: Page, dark: bool, screen: dict[str, int]) -> None:
    page.show(dark=dark, **screen)
    page.until(FOUND)
    texts = (
        "h1",
        "#server",
        "#state",
        "figcaption",
        "figcaption strong",
        "dt",
        "dd",
        "tbody th",
        "tbody td",
    )
    for selector in (*texts, "[data-kind=good]", "[data-kind=doubtful]", "#findings p"):
        assert page.evaluate(f"({CONTRAST})('{selector}')") >= 4.5, selector
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(17, 21, 28)") is dark
    # Nothing is cut off, and nobody has to push the page to and fro.
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(wide)


def test_phone(page: Page) -> None:
    """Rows are cards there, in which each value says what it is."""
    page.show(**PHONE)
    width = page.evaluate("document.querySelector('#pools tbody td').getBoundingClientRect().width")
    assert width > 300
    label = "getComputedStyle(document.querySelector('#pools tbody td'), '::before').content"
    assert page.evaluate(label) == '"Endpoints"'


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desk", "phone"])
def test_spoken(page: Page, screen: dict[str, int]) -> None:
    """A screen reader finds headings, regions, and tables that are tables on a phone too."""
    page.show(**screen)
    spoken = page.spoken()
    for name in ("Pools", "Doctor", "Workers", "Bans"):
        assert ("heading", name) in spoken
        assert ("region", name) in spoken
    assert ("rowheader", "udp-0") in spoken
    roles = [role for role, _ in spoken]
    assert roles.count("table") == 2
    # What changes each second is not said unless somebody asks.
    assert roles.count("status") == 1
    assert any(role == "image" and name.startswith("Calls") for role, name in spoken)


def test_keys(page: Page) -> None:
    """What can be wider than the screen can be reached and moved by keys."""
    reached = []
    for _ in range(2):
        page.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('aria-labelledby')"))
    assert reached == ["pools-title", "workers-title"]


def test_aSelectionStays(page: Page) -> None:
    """What somebody reads or copies is not drawn anew each second."""
    page.until(FOUND)
    page.evaluate(
        "window.getSelection().selectAllChildren(document.querySelector('#findings code'))"
    )
    page.evaluate("window.cell = document.querySelector('#workers tbody td'); null")
    page.evaluate("window.then = document.querySelector('#server').innerText; null")
    page.until("document.querySelector('#server').innerText !== window.then")
    assert page.evaluate("window.getSelection().toString()") == page.text("#findings code")
    assert page.evaluate("window.cell.isConnected")


class TestTrouble:
    @pytest.fixture
    def server(self, configuration: Configuration, startServer: ServerStarter) -> Server:
        return startServer(_configured(configuration))

    def test_aReload(self, page: Page, server: Server) -> None:
        """The page goes on with the worker that follows."""
        server.program.signal(signal.SIGHUP)
        page.until("document.querySelector('#server').innerText.includes('generation 1')")
        page.until(FRESH)

    def test_theServerHangs(self, page: Page, server: Server) -> None:
        sendSignal(server.pid, signal.SIGSTOP)
        try:
            page.until("document.body.dataset.news === 'old'")
            page.until("document.querySelector('#state').innerText.includes('does not answer')")
            opacity = "Number(getComputedStyle(document.querySelector('main')).opacity)"
            page.until(f"{opacity} < 0.6")
            assert rows(page, "pools")
        finally:
            sendSignal(server.pid, signal.SIGCONT)
        page.until(FRESH)

    def test_aWorkerHangs(self, page: Page, server: Server) -> None:
        pid = server.workers()["udp-0/1"]
        sendSignal(pid, signal.SIGSTOP)
        cell = "document.querySelectorAll('#workers tbody tr')[1].cells[1]"
        page.until(f"{cell}.dataset.kind === 'bad'")
        # The server replaces it, and the page says that as well.
        page.until(f"{cell}.innerText === 'ready'")
        assert column(page, "workers", "Restarts")["udp-0/1"] == "1"

    def test_theServerIsGone(self, page: Page, server: Server, startServer: ServerStarter) -> None:
        """What was there last can be read, and what comes back is found."""
        server.stop()
        page.until("document.querySelector('#state').innerText.includes('no connection')")
        assert rows(page, "pools")
        startServer(server.configuration)
        page.until(FRESH)


def test_login(browser: Chromium, configuration: Configuration, startServer: ServerStarter) -> None:
    """Somebody with the role may look, somebody without it may not."""
    configuration.listen("http", resources=["status"])
    addUsers(configuration, {"alice": "wonderland"}, role="viewer")
    addUsers(configuration, {"bob": "builder"})
    server = startServer(configuration)
    stranger = browser.open("about:blank")
    stranger.logIn("bob", "builder")
    stranger.go(urlOf(server))
    stranger.until("document.body.innerText.includes('takes the role viewer')")
    stranger.close()
    viewer = browser.open("about:blank")
    viewer.logIn("alice", "wonderland")
    viewer.go(urlOf(server))
    viewer.until(FRESH)
    viewer.close()
    server.stop()


class TestMadeUp:
    """What is seldom seen, told to the page by the test."""

    @pytest.fixture
    def told(self) -> Iterator[PageServer]:
        with PageServer() as server:
            yield server

    @pytest.fixture
    def page(self, browser: Chromium, told: PageServer) -> Iterator[Page]:
        page = browser.open(told.url)
        told.tell(madeUp())
        page.until(FRESH)
        yield page
        page.close()

    def test_rates(self, page: Page, told: PageServer) -> None:
        """Differences by the time between them, and none below nothing."""
        told.tell(madeUp(2, calls=20, registers=7))
        page.until("document.querySelector('#calls strong').innerText === '10'")
        assert page.text("#registers strong") == "3.5"
        told.tell(madeUp(3, calls=0, registers=8))
        page.until("document.querySelector('#calls strong').innerText === '0.0'")
        path = page.evaluate("document.querySelector('#registers .line').getAttribute('d')")
        assert path == "M299.00,24.00L300.00,64.00"
        assert column(page, "pools", "Requests/s")["udp-0"] == "992"

    def test_aGap(self, page: Page, told: PageServer) -> None:
        """What nobody has seen is not drawn."""
        for second in (1, 2, 3, 60, 61):
            told.tell(madeUp(second))
        page.until("document.querySelector('#calls .line').getAttribute('d').split('M').length > 2")

    def test_aClockThatIsSetBack(self, page: Page, told: PageServer) -> None:
        """What was drawn before is not to come."""
        for second in (100, 101, 102, 50, 51, 52):
            told.tell(madeUp(second))
        path = "document.querySelector('#calls .line').getAttribute('d')"
        page.until(f"{path}.startsWith('M299.00,') && {path}.includes('L300.00,')")

    def test_bans(self, page: Page, told: PageServer) -> None:
        assert rows(page, "bans") == {
            "203.0.113.66": ["49 min 10 s", "scanner"],
            "198.51.100.0/24": ["until lifted", "by hand"],
        }
        assert page.text("#banned") == ""
        told.tell(madeUp(1, banned=12_000))
        page.until("document.querySelector('#banned').innerText.startsWith('12,000 are banned')")
        told.tell(madeUp(2, bans=[], banned=0))
        page.until("document.querySelector('#bans').offsetParent === null")

    def test_trouble(self, page: Page, told: PageServer) -> None:
        overview = madeUp(1, ready=False, unready="the server drains")
        parked = replace(overview.workers[0], state="parked", pid=None, answers=False)
        full = replace(overview.workers[1], busy=0.97, lag=0.6, restarts=1234)
        told.tell(replace(overview, workers=[parked, full, *overview.workers[2:]]))
        page.until("document.querySelector('#state').innerText === 'Not ready: the server drains'")
        assert page.evaluate("document.title") == "sipapp: not ready: the server drains"
        shown = rows(page, "workers")
        assert shown["udp-0/0"] == ["parked", "0", *["\u2013"] * 6]
        assert shown["udp-0/1"][1:3] == ["1,234", "97 %"]
        lags = "[...document.querySelectorAll('#workers [data-heading=Lag]')]"
        assert page.evaluate(f"{lags}.map(cell => cell.dataset.kind)")[1:3] == ["bad", ""]
        bars = "[...document.querySelectorAll('#workers i')].map(bar => bar.dataset.kind)"
        assert page.evaluate(bars)[0] == "bad"

    def test_manyResources(self, page: Page, told: PageServer) -> None:
        """They do not push what a pool does off the screen."""
        overview = madeUp(1)
        pool = replace(overview.pools[0], resources=[f"resource-{each}" for each in range(12)])
        told.tell(replace(overview, pools=[pool, *overview.pools[1:]]))
        page.until("document.querySelector('#pools').innerText.includes('resource-11')")
        table = "document.querySelector('#pools')"
        assert page.evaluate(f"{table}.offsetWidth <= {table}.parentElement.clientWidth")

    def test_poolsComeAndGo(self, page: Page, told: PageServer) -> None:
        overview = madeUp(1)
        told.tell(replace(overview, pools=overview.pools[1:], workers=overview.workers[4:]))
        page.until("document.querySelectorAll('#pools tbody tr').length === 4")
        assert list(rows(page, "pools")) == ["tcp", "udp-1", "http-0", "http-1"]
        told.tell(madeUp(2))
        page.until("document.querySelectorAll('#pools tbody tr').length === 5")

    def test_nothingIsMarkup(self, page: Page, told: PageServer) -> None:
        """Whoever is banned may have written the reason."""
        text = "<img src=x onerror=alert(1)><b>"
        overview = madeUp(1, bans=[replace(BANS[0], reason=text)])
        doctor = replace(overview.doctor, findings=[replace(FINDING, why=text, mend=text)])
        told.tell(replace(overview, doctor=doctor))
        page.until("document.querySelector('#bans').innerText.includes('onerror')")
        assert text in page.text("#findings")
        assert page.evaluate("document.images.length") == 0

    def test_picture(self, page: Page, told: PageServer) -> None:
        """Five minutes of it, in light and in dark."""
        light = picture(page, told)
        page.show(dark=True)
        dark = page.picture()
        assert light[:8] == dark[:8] == b"\x89PNG\r\n\x1a\n"
        assert light != dark
