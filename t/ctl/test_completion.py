# SPDX-License-Identifier: BSD-2-Clause
"""Completion and manual know every command and every option that the help knows."""

import os
import re
import subprocess

import pytest
from conftest import run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMANDS = re.findall(r"^  ([a-z-]+) ", run("--help").stdout.split("Options")[0], re.M)


def options(command):
    return set(re.findall(r"--[a-z-]+", run("help", command).stdout))


def complete(*words):
    script = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sixgatectl; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-euc", script, f"{ROOT}/completions/sixgatectl",
                           "sixgatectl", *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_commands_are_completed():
    assert len(COMMANDS) >= 11
    assert set(COMMANDS) <= complete("")
    assert complete("forget-") == {"forget-client"}
    assert set(COMMANDS) <= complete("-s", "/x", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_completed(command):
    common = {"--socket", "--json", "--help", "--version"}
    assert complete(command, "--") == options(command) | common
    assert complete("--json", command, "--") == options(command) | common


def test_values_are_completed():
    assert complete("list", "--state", "") == {"waiting", "passed"}
    assert complete("list", "--client", "") == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_names_it(command):
    with open(f"{ROOT}/doc/sixgatectl.1", encoding="utf-8") as file:
        manual = file.read()
    assert re.search(rf"^\.It Cm {command}\b", manual, re.M), command
    section = re.split(rf"^\.It Cm {command}(?: |$)", manual, flags=re.M)[1]
    section = re.split(r"^\.It Cm ", section, flags=re.M)[0]
    for option in options(command):
        assert f"Fl -{option[2:]}" in section, (command, option)
