# SPDX-License-Identifier: BSD-2-Clause
"""The commands that README.md gives to somebody with a fresh checkout, run exactly as written, and the two
scripts that it promises."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
README = (TREE / "README.md").read_text()
SHELL_BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
# What runs these tests cannot run itself; that it is run as README writes it, .ci/run shows.
COMMANDS = [block for block in SHELL_BLOCKS if block != "tools/check\n"]


def run(command, **options):
    return subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=600, **options)


def test_the_two_commands_are_in_it():
    assert "tools/check\n" in SHELL_BLOCKS
    assert any(block.startswith("tools/quickstart") for block in SHELL_BLOCKS)
    assert "exec tools/check" in (TREE / ".ci" / "run").read_text()


@pytest.mark.parametrize("block", COMMANDS)
def test_command(block):
    result = run(["bash", "-e", "-c", block])
    assert result.returncode == 0, result.stdout


def test_what_is_built_as_it_says_can_be_installed(tmp_path):
    for block in COMMANDS:
        if "build-install" in block:
            run(["bash", "-e", "-c", block], check=True)
    result = run(["meson", "install", "-C", "build-install", "--destdir", str(tmp_path)])
    assert result.returncode == 0, result.stdout
    for name in ("usr/sbin/sixgated", "etc/sixgate/sixgate.conf", "etc/sixgate/farms",
                 "etc/sixgate/sender_access", "etc/sixgate/recipient_access",
                 "usr/share/man/man8/sixgated.8", "usr/share/man/man5/sixgate.conf.5",
                 "usr/share/man/man5/sixgate_farms.5", "usr/lib/systemd/system/sixgated.service",
                 "usr/lib/systemd/system/sixgated.socket"):
        assert (tmp_path / name).exists(), name
    assert "ExecStart=/usr/sbin/sixgated" in (
        tmp_path / "usr/lib/systemd/system/sixgated.service").read_text()


def test_quickstart_stays_until_it_is_interrupted():
    process = subprocess.Popen(["tools/quickstart"], cwd=TREE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if "Interrupt (Ctrl-C) to end" in line:
                break
        output = "".join(lines)
        main_cf = re.search(r"check_policy_service { unix:(\S+), timeout=30s, default_action=DUNNO }", output)
        assert main_cf, output
        assert os.path.exists(main_cf.group(1)), "the socket is there while it stays"
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        status = process.wait(timeout=60)
    assert status == 0, "".join(lines) + rest
    assert not os.path.exists(main_cf.group(1)), "nothing is left behind"


@pytest.mark.parametrize("script", ["tools/quickstart", "tools/check"])
def test_scripts_explain_themselves(script):
    result = run([script, "--help"])
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: {script}")
    assert "libevent-dev" in result.stdout, "it says what it would install"
    assert run([script, "--nonsense"]).returncode == 2
