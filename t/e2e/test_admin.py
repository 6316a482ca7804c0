# SPDX-License-Identifier: BSD-2-Clause
"""The admin's view while a real Postfix takes mail: curl and sixgatectl on the default socket."""

import grp
import json
import os
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest

from daemon import PROGRAM, SHORT_DELAY
from hosts import GOOGLE_1, MAIL_V4, MAIL_V6, MAIL_V6_SAME_64, NAMELESS
from poll import wait_until
from smtp_client import ask, deliver_with_patience, greylisted

SOCKET = '/run/sixgate/admin'
CTL = Path(PROGRAM).parent / 'sixgatectl'
SENDER = 'someone@sender.example'
ALICE = 'alice@here.example'
BOB = 'bob@here.example'
STRANGER = 61001


def run(*command, **options):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False, **options)


def ctl(*arguments, status=0, **options):
    """What sixgatectl prints; it must end with this status."""
    done = run(CTL, *arguments, **options)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def ctl_json(*arguments):
    return json.loads(ctl('--json', *arguments))


def curl(path, *arguments):
    done = run('curl', '--silent', '--fail', '--unix-socket', SOCKET, *arguments, f'http://localhost{path}')
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def entries(**filters):
    return json.loads(curl('/entries?' + urlencode(filters)))['entries']


def test_entry_of_a_deferred_mail_is_listed_and_can_be_forgotten(daemon):
    daemon.start()
    assert ask(MAIL_V6, SENDER, ALICE) == greylisted(ALICE)
    [entry] = entries(sender='sender.example')
    assert (entry['key'], entry['sender'], entry['recipient'], entry['state']) == (
        '2001:db8:10:1::/64', SENDER, ALICE, 'waiting')
    assert json.loads(curl('/entries?client=2001:db8:10:1::99'))['entries'] == [entry], 'any address of the network'
    assert 'waiting' in ctl('list', '--recipient', ALICE)
    ctl('forget', '--sender', SENDER)
    assert json.loads(curl('/entries'))['entries'] == []
    ask(MAIL_V6, SENDER, ALICE)
    wait_until('it is new again', lambda: len(daemon.verdicts(reason='new')) == 2)


def test_what_is_not_there_cannot_be_forgotten(daemon):
    daemon.start()
    assert 'no' in ctl('forget', '--sender', 'nobody@nowhere.example', status=1)
    ctl('forget', status=2)


def test_client_that_is_allowed_waits_no_more(daemon):
    daemon.start()
    assert ask(MAIL_V6, SENDER, ALICE) == greylisted(ALICE)
    ctl('allow', MAIL_V6_SAME_64.address)
    assert '2001:db8:10:1::/64' in ctl('known')
    assert ask(MAIL_V6, SENDER, BOB).code == 250
    assert daemon.wait_for_verdict(action='pass')['reason'] == 'greylist_known_after'
    ctl('forget-client', '2001:db8:10:1::/64')
    assert ask(MAIL_V6, SENDER, 'carol@here.example') == greylisted('carol@here.example')
    ctl('forget-client', '2001:db8:10:1::/64', status=1)
    ctl('allow', 'no client', status=1)


def test_explanation_of_a_refused_mail_tells_the_way_to_it(daemon):
    daemon.start()
    assert ask(NAMELESS, SENDER, ALICE).code == 550
    daemon.wait_for_verdict(action='reject')
    line = next(line for line in daemon.log().splitlines() if 'action=reject' in line)
    told = ctl('explain', '--log', line)
    assert 'permerror' in told and '550 5.7.25' in told
    answer = json.loads(curl('/explain', '--data', json.dumps(
        {'client_address': NAMELESS.address, 'sender': SENDER, 'recipient': ALICE})))
    steps = {step['step']: step for step in answer['steps']}
    assert steps['iprev']['result'] == 'permerror'
    assert answer['verdict']['answer'].startswith('550 5.7.25 ')


def test_explanation_changes_nothing(daemon):
    daemon.start(greylist_delay=SHORT_DELAY)
    for _ in range(3):
        answer = ctl_json('explain', '--client', MAIL_V4.address, '--sender', SENDER, '--recipient', ALICE)
        assert answer['verdict']['reason'] == 'new'
    assert entries() == []
    assert ask(MAIL_V4, SENDER, ALICE) == greylisted(ALICE)
    daemon.wait_for_verdict(reason='new')
    verdicts = len(daemon.verdicts())
    answer = ctl_json('explain', '--client', MAIL_V4.address, '--sender', SENDER, '--recipient', ALICE)
    assert answer['verdict']['reason'].startswith(('early-retry', 'triplet found'))
    assert entries()[0]['state'] == 'waiting', 'that it would pass now is not kept'
    assert len(daemon.verdicts()) == verdicts
    ctl('explain', '--client', 'nowhere', '--sender', SENDER, '--recipient', ALICE, status=1)


def test_explanation_of_a_farm_names_it(daemon):
    Path('/etc/sixgate/farms').write_text('google ptr:.google.example\n')
    daemon.start()
    told = ctl('explain', '--client', GOOGLE_1.address, '--name', GOOGLE_1.name, '--sender', 'a@g.example', '--recipient', ALICE)
    assert 'google' in told and 'ptr:.google.example' in told and 'mail-1.google.example' in told


def test_statistics_move_with_the_mail(daemon):
    daemon.start(greylist_delay=SHORT_DELAY)
    ask(MAIL_V4, SENDER, ALICE)
    deliver_with_patience(MAIL_V4, SENDER, ALICE)
    ask(NAMELESS, SENDER, ALICE)
    counters = {counter['name']: counter['series'] for counter in json.loads(curl('/stats'))['counters']}

    def count(**labels):
        return sum(series['since_start'] for series in counters['sixgate_requests_total']
                   if labels.items() <= series['labels'].items())
    assert count(reason='new') == 1
    assert count(reason='triplet found') == 1
    assert count(reason='gate') == 1
    assert 'triplet found' in ctl('stats')
    assert json.loads(curl('/stats'))['entries']['passed'] == 1


def test_metrics_are_what_prometheus_wants(daemon):
    daemon.start()
    ask(MAIL_V4, SENDER, ALICE)
    text = curl('/metrics')
    done = run('promtool', 'check', 'metrics', input=text)
    assert (done.returncode, done.stdout + done.stderr) == (0, ''), done.stderr
    assert ctl('metrics').startswith('# HELP sixgate_')


def test_health_is_one_line_and_a_status(daemon):
    daemon.start()
    assert ctl('health').startswith('OK') and ctl('health').count('\n') == 1
    assert json.loads(curl('/health'))['healthy']
    daemon.stop()
    done = run(CTL, 'health')
    assert done.returncode == 3 and 'sixgated is not running' in done.stderr
    daemon.start_again()


def test_reload_says_what_is_wrong(daemon):
    daemon.start()
    daemon.configure(greylist_text='Please wait')
    ctl('reload')
    assert ask(MAIL_V4, SENDER, ALICE) == greylisted(ALICE, 'Please wait')
    assert 'greylist_text = Please wait' in ctl('config')
    Path('/etc/sixgate/sixgate.conf').write_text('greylist = sometimes\n')
    assert 'sixgate.conf:1: greylist: "sometimes": expected' in ctl('reload', status=1)


def test_root_changes_a_member_of_the_group_reads_and_a_stranger_does_neither(daemon):
    daemon.start()
    ask(MAIL_V4, SENDER, ALICE)
    group = grp.getgrnam('sixgate').gr_gid
    member = {'user': STRANGER, 'group': STRANGER, 'extra_groups': [group]}
    stranger = {'user': STRANGER, 'group': STRANGER, 'extra_groups': []}
    assert SENDER in ctl('list', **member)
    assert 'only root and the user of sixgated' in ctl('forget', '--sender', SENDER, status=1, **member)
    assert 'permission denied' in ctl('list', status=3, **stranger)
    assert len(entries()) == 1
    ctl('forget', '--sender', SENDER)


@pytest.mark.parametrize('count', [30])
def test_admin_commands_disturb_no_mail(daemon, count):
    daemon.start()
    stop = threading.Event()

    def pester():
        while not stop.is_set():
            for path in ('/entries', '/stats', '/metrics', '/clients', '/health', '/config'):
                run('curl', '--silent', '--unix-socket', SOCKET, f'http://localhost{path}')
    threads = [threading.Thread(target=pester) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(count):
            assert ask(MAIL_V4, f'user-{chr(97 + number % 26)}{number}x@sender.example', ALICE) == greylisted(ALICE)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    wait_until('all are logged', lambda: len(daemon.verdicts(action='greylist')) == count)


def test_socket_is_as_the_manual_says(daemon):
    daemon.start()
    about = os.stat(SOCKET)
    assert (about.st_mode & 0o777, about.st_gid) == (0o660, grp.getgrnam('sixgate').gr_gid)
