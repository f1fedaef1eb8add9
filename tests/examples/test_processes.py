import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from examples.three_organisations.processes import ProcessDied, processes

READY = "import json, time; print(json.dumps({'up': True}), flush=True); time.sleep(600)"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_is_ready_when_it_says_so_and_ends_with_the_block(tmp_path: Path) -> None:
    with processes() as running:
        process = running.start([sys.executable, "-c", READY], tmp_path / "it.log")
        assert process.ready() == {"up": True}
        assert alive(process.pid)
    assert not alive(process.pid)


def test_a_process_that_dies_first_is_quoted(tmp_path: Path) -> None:
    with processes() as running:
        program = "import sys; sys.exit('no such model')"
        process = running.start([sys.executable, "-c", program], tmp_path / "it.log")
        with pytest.raises(ProcessDied, match="no such model"):
            process.ready()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_no_process_outlives_an_interrupted_demo(tmp_path: Path, number: signal.Signals) -> None:
    program = f"""
import sys, time
from pathlib import Path
from examples.three_organisations.processes import processes
from examples.three_organisations.workplace import workplace
with workplace(Path({str(tmp_path / "work")!r})) as folder, processes() as running:
    child = running.start([sys.executable, "-c", {READY!r}], folder / "logs" / "it.log")
    child.ready()
    print(child.pid, flush=True)
    time.sleep(600)
"""
    demo = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert demo.stdout is not None
    with demo.stdout as said:
        child = int(said.readline())
        demo.send_signal(number)
        assert demo.wait(timeout=60) != 0
    until = time.monotonic() + 30
    while alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(child)
    assert not (tmp_path / "work").exists()


def test_readiness_is_one_line_of_json(tmp_path: Path) -> None:
    line = json.dumps({"url": "http://127.0.0.1:1"})
    with processes() as running:
        process = running.start(["echo", line], tmp_path / "echo.log")
        assert process.ready() == {"url": "http://127.0.0.1:1"}
