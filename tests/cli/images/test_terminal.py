"""Terminals, interrupts and closed pipes."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

from helpers.commands import call, names
from PIL import Image


def on_terminal(*arguments: object, stdout: bool, cwd: Path) -> tuple[int, str]:
    """Exit code and what a terminal shows, with stderr, and stdout if asked, on it."""
    primary, secondary = pty.openpty()
    command = [sys.executable, "-m", "codec.cli.main", *map(str, arguments)]
    stdin = subprocess.DEVNULL
    process = subprocess.Popen(
        command, stdin=stdin, stdout=secondary if stdout else subprocess.PIPE, stderr=secondary, cwd=cwd
    )
    code = process.wait(120)
    os.close(secondary)
    shown = os.read(primary, 2**16).decode()
    os.close(primary)
    if process.stdout:
        assert process.stdout.read() == b""
        process.stdout.close()
    return code, shown


def test_bytes_are_not_written_to_a_terminal(photo: Path) -> None:
    code, shown = on_terminal("encode", photo, "-o", "-", stdout=True, cwd=photo.parent)
    assert code == 1
    assert "won't write binary data to a terminal; redirect it" in shown


def test_progress_is_on_the_terminal_only(photo: Path) -> None:
    code, shown = on_terminal("encode", photo, stdout=False, cwd=photo.parent)
    assert code == 0
    assert f"{photo.name} ..." in shown
    assert "encoding" not in call("encode", "-f", photo).stderr


def test_a_long_search_tells_what_is_left_and_can_be_interrupted(tmp_path: Path) -> None:
    Image.effect_noise((256, 256), 60).save(tmp_path / "noise.png")
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "codec.cli.main", "encode", "-e", "9", "noise.png"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=secondary,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(secondary)
    shown = b""
    while b" left" not in shown:
        shown += os.read(primary, 2**16)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    with contextlib.suppress(OSError):  # a terminal that nobody has open any more, once all is read
        shown = os.read(primary, 2**16)
    assert b"Traceback" not in shown
    os.close(primary)
    assert names(tmp_path) == ["noise.png"]


def test_an_interrupt_exits_with_130_and_a_kill_leaves_nothing(tmp_path: Path) -> None:
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = subprocess.Popen(
            [sys.executable, "-m", "codec.cli.main", "encode", "-", "-o", "out.ncf"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            # Shells start what they run in the background with SIGINT ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert process.stdin and process.stderr
        process.stdin.write(b"\xff\xd8\xff" + bytes(2**24))  # returns when the command has read most of it
        process.send_signal(number)
        assert process.wait(60) == code
        assert b"Traceback" not in process.stderr.read()
        process.stderr.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        assert names(tmp_path) == []


def test_a_signal_after_the_work_is_no_traceback(here: Path) -> None:
    code = (
        "import threading, time\nfrom codec.cli.main import main\n"
        "threading.Thread(target=time.sleep, args=(8,)).start()  # Python's end waits for it\nmain(['--version'])"
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert process.stdout and process.stderr
        process.stdout.readline()
        time.sleep(0.2)  # until the work is over
        process.send_signal(number)
        assert process.wait(30) in (-number, 128 + number)  # the latter if it comes too early
        assert process.stderr.read() == b""
        process.stdout.close()
        process.stderr.close()


def test_a_closed_pipe_is_silent(ncf: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "codec.cli.main", "decode", str(ncf), "-o", "-", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ncf.parent,
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.wait(60) == 1
    assert process.stderr.read() == b""
    process.stderr.close()
