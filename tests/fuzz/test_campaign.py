"""A campaign sees what it is to see, and keeps the input; C{make fuzz} in short."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz.__main__ import choose, main
from tests.fuzz.campaign import MEANS, Campaign, missing
from tests.fuzz.target import NAMES

pytestmark = pytest.mark.xdist_group("fuzz")

#: Seconds until the inputs that the broken targets fail for have been thought of; it ends then.
ENOUGH = 60


@pytest.fixture(params=MEANS)
def means(request: pytest.FixtureRequest) -> str:
    reason = missing(request.param)
    if reason is not None and os.environ.get("CI") != "true":
        pytest.skip(reason)
    return str(request.param)


@pytest.mark.parametrize(
    ("target", "said"),
    [("failing", "LookupError: x is the second"), ("slow", "TooSlow"), ("dying", "")],
)
def test_inputsThatFail(means: str, target: str, said: str, tmp_path: Path) -> None:
    outcome = Campaign(f"broken.{target}", means, ENOUGH, tmp_path).run()
    assert outcome.fault is not None
    assert said in outcome.fault
    assert outcome.inputs > 0
    assert outcome.finding is not None
    data = outcome.finding.read_bytes()
    assert data[1:2] == b"x"
    if (means, target) == ("generated", "failing"):
        assert data == b"\0x\0"
    assert f"targets/broken/{target}.py" in (
        outcome.finding.with_name(f"{outcome.finding.name}.log").read_text()
    )


def test_growth(means: str, tmp_path: Path) -> None:
    outcome = Campaign("broken.growing", means, 6, tmp_path).run(warmUp=2.0)
    assert outcome.fault is not None
    assert outcome.fault.startswith("grows: ")
    # No single input is to blame.
    assert outcome.finding is None


def test_hanging(means: str, tmp_path: Path) -> None:
    """One who waits takes no processor time, but is late."""
    campaign = Campaign("broken.waiting", means, 1, tmp_path)
    outcome = campaign.run(grace=4.0)
    assert outcome.fault == "hangs"
    assert "targets/broken/waiting.py" in campaign.log.read_text()


def test_choice() -> None:
    everything = [(target, means) for target in NAMES for means in MEANS if not missing(means)]
    assert choose([]) == everything
    assert choose(["framing", "parser/generated"]) == [
        each for each in everything if each[0] == "framing" or each == ("parser", "generated")
    ]
    with pytest.raises(ValueError, match="no such campaign: parse"):
        choose(["parse"])


@pytest.mark.slow
def test_everyTarget(means: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two seconds each of what C{make fuzz} does for longer."""
    status = main(["--seconds", "2", f"*/{means}"], tmp_path)
    said = capfd.readouterr().out
    assert status == 0, said
    for name in NAMES:
        assert f"{name}/{means}" in said


def test_statusOfAFinding(
    means: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fuzz.__main__.NAMES", ("broken.failing",))
    status = main(["--seconds", str(ENOUGH), f"*/{means}"], tmp_path)
    said = capfd.readouterr().out
    assert status == 1
    assert f"broken.failing/{means}: LookupError: x is the second" in said
    assert str(tmp_path / "findings" / "broken.failing-") in said
