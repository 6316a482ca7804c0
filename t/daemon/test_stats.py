# SPDX-License-Identifier: BSD-2-Clause
"""What is counted: /stats, /metrics, /health."""

import subprocess

import pytest

from policy import GREYLISTED, PASS, new_recipient
from poll import wait_until


@pytest.fixture
def admin(daemon):
    daemon.start()
    return daemon.admin


def count(admin, name, kind='since_start', **labels):
    """The sum of the series of a counter that have these labels."""
    [counter] = [each for each in admin.get('/stats')['counters'] if each['name'] == name]
    return sum(series[kind] for series in counter['series'] if labels.items() <= series['labels'].items())


def test_requests_are_counted_by_verdict_and_reason(daemon, admin):
    daemon.ask()
    daemon.ask()
    daemon.ask(client_address='127.0.0.1')
    assert count(admin, 'sixgate_requests_total', reason='new', verdict='greylist', mode='enforce') == 1
    assert count(admin, 'sixgate_requests_total', reason='early-retry') == 1
    assert count(admin, 'sixgate_requests_total', reason='mynetworks', verdict='pass') == 1


def test_dry_is_told_apart(daemon):
    daemon.configure(greylist='dry')
    daemon.start()
    assert daemon.ask(recipient=new_recipient()) == PASS
    assert count(daemon.admin, 'sixgate_requests_total', reason='new', mode='dry') == 1
    assert count(daemon.admin, 'sixgate_requests_total', reason='new', mode='enforce') == 0


def test_gate_is_counted_by_rule(gated):
    gated.configure(gate='enforce')
    gated.start()
    gated.ask(client_address='2001:db8:66::1', client_name='unknown')
    assert count(gated.admin, 'sixgate_gate_judgements_total', rule='iprev permerror', mode='enforce') == 1
    gated.configure(gate='dry')
    gated.reload()
    gated.ask(client_address='2001:db8:66::1', client_name='unknown')
    assert count(gated.admin, 'sixgate_gate_judgements_total', rule='iprev permerror', mode='dry') == 1
    assert count(gated.admin, 'sixgate_iprev_results_total', result='permerror') == 2
    assert count(gated.admin, 'sixgate_dns_questions_total', outcome='no such name') >= 1


def test_mail_that_came_back_is_counted(daemon):
    daemon.configure(greylist_delay='1s')
    daemon.start()
    daemon.ask()
    wait_until('it passes', lambda: daemon.ask() == PASS)
    [metric] = [each for each in daemon.admin.get('/stats')['counters'] if each['name'] == 'sixgate_came_back_seconds']
    assert metric['series'][0]['since_start']['count'] == 1
    assert daemon.admin.get('/stats')['entries'] == {'waiting': 0, 'passed': 1, 'clients': 1, 'known': 0}


def test_totals_survive_a_restart(daemon, admin):
    daemon.ask(recipient=new_recipient())
    daemon.stop()
    daemon.start()
    wait_until('the totals are read', lambda: count(admin, 'sixgate_requests_total', 'total', reason='new') == 1)
    assert count(admin, 'sixgate_requests_total', reason='new') == 0
    daemon.ask(recipient=new_recipient())
    assert count(admin, 'sixgate_requests_total', 'total', reason='new') == 2


def test_explanation_is_not_counted(daemon, admin):
    admin.post('/explain', {'client_address': '192.0.2.1', 'sender': 'a@b.example', 'recipient': 'c@d.example'})
    assert count(admin, 'sixgate_requests_total', reason='new') == 0


def test_last_minute_names_the_senders(daemon, admin):
    for _ in range(3):
        daemon.ask(sender='someone@busy.example', recipient=new_recipient())
    daemon.ask(sender='', recipient=new_recipient())
    minute = admin.get('/stats')['last_minute']
    assert minute['requests'] == 4 and minute['verdicts']['greylist'] == 4
    assert minute['busiest'][0]['sender_domain'] == 'busy.example' and minute['busiest'][0]['requests'] == 3
    assert {'<>', 'busy.example'} == {each['sender_domain'] for each in minute['slowest']}


def test_metrics_are_what_prometheus_wants(daemon, admin):
    daemon.ask(recipient=new_recipient())
    text = admin.get('/metrics')
    done = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, '')
    assert 'sixgate_requests_total{verdict="greylist",reason="new",mode="enforce"} 1\n' in text


def test_health(daemon, admin):
    answer = admin.get('/health')
    assert answer['healthy'] and answer['problems'] == [] and answer['line'].startswith('OK: ')
    assert daemon.ask(recipient=new_recipient()) == GREYLISTED


def test_connections_and_bounds_are_counted(daemon, admin):
    with daemon.connect() as connection:
        connection.ask(recipient=new_recipient())
        assert count(admin, 'sixgate_connections', 'value') == 1
    assert count(admin, 'sixgate_connections_accepted_total') >= 1
