# SPDX-License-Identifier: BSD-2-Clause
"""Who runs the tests, and how to start a program as somebody with fewer rights."""

import os
import subprocess

import pytest

IS_ROOT = os.geteuid() == 0
NOBODY = 65534

needs_root = pytest.mark.skipif(not IS_ROOT, reason='needs root')


def as_nobody():
    """Options of subprocess.Popen: root steps down, others are somebody without rights already."""
    return {'user': NOBODY, 'group': NOBODY, 'extra_groups': []} if IS_ROOT else {}


def can_mount():
    """Whether a mount namespace of our own is to be had."""
    if not IS_ROOT:
        return False
    try:
        return subprocess.run(['unshare', '--mount', 'true'], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
