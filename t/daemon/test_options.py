# SPDX-License-Identifier: BSD-2-Clause
"""The options that print something and end."""

import re
import subprocess

import pytest

from daemon import PROGRAM


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False)


def outcome(done):
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize('option', ['-V', '--version'])
def test_version_is_printed(option):
    done = run(option)
    assert done.returncode == 0 and done.stderr == ''
    assert re.fullmatch(r'sixgated \d+\.\d+\.\d+\n', done.stdout)


@pytest.mark.parametrize('option', ['-h', '--help'])
def test_help_names_every_option(option):
    done = run(option)
    assert done.returncode == 0 and done.stderr == ''
    for name in ('-c', '-o', '-t', '-n', '-v', '-V', '--help'):
        assert re.search(rf'^  .*{name}\b', done.stdout, re.MULTILINE), name


@pytest.mark.parametrize('arguments', [['-x'], ['--no-such-option'], ['-c'], ['-o'], ['something']])
def test_wrong_option_ends_with_1_and_says_why(arguments):
    done = run(*arguments)
    assert done.returncode == 1 and done.stdout == ''
    assert done.stderr != ''


def test_n_prints_only_what_differs(daemon):
    daemon.config.write_text(
        f'sender_access = {daemon.sender_access}\n'
        f'recipient_access = {daemon.recipient_access}\n'
        f'farms = {daemon.farms}\n'
        'greylist_delay = 300s\n'      # the default, 5m, in other words
        'greylist = Enforce\n'
        'max_connections = 1000\n'
        'greylist_lifetime = 20d\n'
        'mynetworks = 192.0.2.0/24,\n'
        '  [2001:db8::]/32\n')
    done = daemon.run('-n')
    assert (done.returncode, done.stderr) == (0, '')
    assert sorted(done.stdout.splitlines()) == sorted([
        f'sender_access = {daemon.sender_access}',
        f'recipient_access = {daemon.recipient_access}',
        f'farms = {daemon.farms}',
        'greylist_lifetime = 20d',
        'mynetworks = 192.0.2.0/24,  [2001:db8::]/32',
    ])


def test_what_n_prints_is_a_configuration_file_of_the_same_meaning(daemon):
    daemon.configure(greylist_delay='7m', mynetworks='192.0.2.0/24, [2001:db8::]/32', greylist_text='Wait %s seconds')
    first = daemon.run('-n').stdout
    assert first.count('\n') > 3
    daemon.config.write_text(first)
    assert outcome(daemon.run('-n')) == (0, first, '')


def test_t_says_nothing_of_a_good_configuration_and_starts_nothing(daemon):
    before = sorted(daemon.folder.iterdir())
    assert outcome(daemon.run('-t')) == (0, '', '')
    assert sorted(daemon.folder.iterdir()) == before


def test_t_reports_all_mistakes_of_a_file_at_once_each_with_its_line(daemon):
    daemon.config.write_text(
        '# comment\n'
        'no_such_setting = 1\n'
        'greylist_delay = soon\n'
        '\n'
        'greylist =\n'
        '  perhaps\n'
        'a line without the sign\n'
        'mynetworks = 192.0.2.0/24 192.0.2.256\n'
        'max_connections = 0\n'
        'policy_listen = tcp:10030\n'
        'store = mysql:somewhere\n')
    done = daemon.run('-t')
    assert done.returncode == 1 and done.stdout == ''
    said = {}
    for line in done.stderr.splitlines():
        match = re.fullmatch(rf'{re.escape(str(daemon.config))}:(\d+): (.*)', line)
        assert match, f'no file and line: {line}'
        said.setdefault(int(match[1]), []).append(match[2])
    assert {line: len(texts) for line, texts in said.items()} == dict.fromkeys((2, 3, 5, 7, 8, 9, 10, 11), 1)
    assert 'no_such_setting' in said[2][0]
    assert said[3][0].startswith('greylist_delay: "soon": expected a time')
    assert said[5][0].startswith('greylist: "perhaps": expected enforce, dry or off')
    assert 'expected name = value' in said[7][0]
    assert said[8][0].startswith('mynetworks: "192.0.2.256": ')
    assert said[9][0].startswith('max_connections: "0": expected a number')
    assert said[10][0].startswith('policy_listen: "tcp:10030": expected ')
    assert said[11][0].startswith('store: "mysql:somewhere": expected ')


def test_t_checks_every_table_that_is_named(daemon):
    daemon.sender_access.write_text('good.example OK\nbad.example HOLD\n')
    daemon.recipient_access.unlink()
    daemon.farms.write_text('# farms\n\nexample-isp cidr:192.0.2.1/33\n')
    done = daemon.run('-t')
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert any(line.startswith(f'{daemon.sender_access}:2: ') and 'HOLD' in line for line in lines)
    assert any(line.startswith(f'{daemon.config}:5: recipient_access: {daemon.recipient_access}: No such file')
               for line in lines)
    assert any(line.startswith(f'{daemon.farms}:3: ') and '192.0.2.1/33' in line for line in lines)


def test_t_names_the_line_of_a_file_of_networks(daemon):
    networks = daemon.folder / 'networks'
    networks.write_text('192.0.2.0/24\nnonsense\n')
    daemon.configure(mynetworks=networks)
    done = daemon.run('-t')
    assert done.returncode == 1
    assert done.stderr.startswith(f'{networks}:2: mynetworks: "nonsense": ')
    assert done.stderr.count('\n') == 1


def test_o_overrides_the_file(daemon):
    daemon.configure(greylist_delay='10m')
    done = daemon.run('-n', '-o', 'greylist_delay=7m', '-o', 'max_connections = 3', '-o', 'greylist_delay=8m')
    assert done.returncode == 0 and done.stderr == ''
    lines = done.stdout.splitlines()
    assert 'greylist_delay = 8m' in lines and 'max_connections = 3' in lines
    assert not any('10m' in line or '7m' in line for line in lines)


@pytest.mark.parametrize('override', ['greylist_delay=soon', 'no_such_setting=1', 'nonsense'])
def test_wrong_override_is_refused(daemon, override):
    done = daemon.run('-t', '-o', override)
    assert done.returncode == 1
    assert re.fullmatch(r'-o: .*\n', done.stderr) and override.split('=')[0] in done.stderr
