# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP: new settings without a connection or a request lost, or the old ones whole."""

import re
import signal

import database
from daemon import Load
from policy import GREYLISTED, PASS, new_recipient, request
from poll import wait_until

TEXT = re.compile(r'DEFER_IF_PERMIT 4\.7\.1 Text number \d+')


def later(text):
    return f'DEFER_IF_PERMIT 4.7.1 {text}'


def test_new_settings_are_taken_on_open_connections(daemon):
    daemon.start()
    with daemon.connect() as connection:
        assert connection.ask() == GREYLISTED
        daemon.configure(greylist_text='Later, please')
        daemon.reload()
        assert connection.ask() == later('Later, please')
        daemon.configure(greylist='off')
        daemon.reload()
        assert connection.ask() == PASS


def test_tables_are_read_again(daemon):
    daemon.start()
    other = daemon.folder / 'other'
    other.write_text('someone@sender.example REJECT no\n')
    daemon.configure(sender_access=other)
    daemon.reload()
    assert daemon.ask() == 'REJECT no'


def test_wrong_settings_keep_the_old_ones_whole_and_are_named(daemon):
    daemon.configure(greylist_text='Later, please')
    daemon.start()
    start = daemon.log_size()
    with daemon.connect() as connection:
        daemon.sender_access.write_text('someone@sender.example REJECT no\n')
        daemon.config.write_text(f'greylist = off\n'
                                 f'greylist_text = Another text\n'
                                 f'greylist_delay = soon\n'
                                 f'sender_access = {daemon.sender_access}\n'
                                 f'no_such_setting = 1\n')
        daemon.reload()
        log = daemon.log(start)
        assert f'error: {daemon.config}:3: greylist_delay: "soon": ' in log
        assert f'error: {daemon.config}:5: no_such_setting: ' in log
        assert 'the settings and tables from before stay in force' in log
        assert connection.ask(sender='other@sender.example') == later('Later, please')


def test_wrong_table_keeps_the_old_settings_whole_and_is_named(daemon):
    daemon.start()
    start = daemon.log_size()
    broken = daemon.folder / 'broken'
    broken.write_text('good.example OK\nbad.example NONSENSE\n')
    daemon.configure(greylist='off', sender_access=broken)
    daemon.reload()
    assert f'error: {broken}:2: ' in daemon.log(start)
    assert daemon.ask() == GREYLISTED


def test_configuration_file_that_is_gone_keeps_the_old_settings(daemon):
    daemon.start()
    start = daemon.log_size()
    daemon.config.unlink()
    daemon.reload()
    assert f'error: {daemon.config}: no such file' in daemon.log(start)
    assert daemon.ask() == GREYLISTED


def test_overrides_of_the_command_line_stay(daemon):
    daemon.start('-o', 'greylist_text=From the command line')
    daemon.configure(greylist_text='From the file')
    daemon.reload()
    assert daemon.ask() == later('From the command line')


def test_reload_under_load_loses_no_connection_and_no_request(daemon):
    daemon.configure(greylist_text='Text number 0', max_new_per_client=0)
    daemon.start()
    before = daemon.open_files()
    with Load(daemon, 6, TEXT.fullmatch) as load:
        for number in range(1, 21):
            daemon.configure(greylist_text=f'Text number {number}', max_new_per_client=0)
            daemon.reload()
            assert daemon.ask() == later(f'Text number {number}')
            if number % 5 == 0:
                daemon.configure(greylist_text='wrong\x01', max_new_per_client=0)
                daemon.reload()
            load.wait_for_more(20)
    assert daemon.has_closed_all_since(before)


def test_many_reloads_at_once_are_harmless(daemon):

    daemon.start()
    before = daemon.open_files()
    for _ in range(100):
        daemon.signal(signal.SIGHUP)
    daemon.configure(greylist_text='At last')
    daemon.reload()
    assert daemon.ask() in (GREYLISTED, later('At last'))
    daemon.reload()
    assert daemon.ask() == later('At last')
    wait_until('all is closed again', lambda: daemon.has_closed_all_since(before))


def test_changed_policy_listen_says_that_it_takes_a_restart(daemon):
    daemon.start()
    start = daemon.log_size()
    daemon.configure(policy_listen=f'unix:{daemon.folder}/other')
    daemon.reload()
    assert 'warning: policy_listen: the new value takes effect when sixgated is started again' in daemon.log(start)
    assert daemon.ask() == GREYLISTED
    assert not (daemon.folder / 'other').exists()


def test_every_setting_takes_effect_or_says_that_it_takes_a_restart(daemon):

    daemon.configure(max_entries=1000, max_new_per_client=0)
    daemon.start()
    start = daemon.log_size()
    daemon.configure(max_entries=100, max_new_per_client=0)
    daemon.reload()
    with daemon.connect() as connection:
        for _ in range(120):
            assert connection.ask(recipient=new_recipient()) == GREYLISTED
    kept = len(database.entries(daemon.database))
    assert kept == 100 or 'max_entries: the new value takes effect when' in daemon.log(start), \
        f'max_entries = 100 after a reload: {kept} entries, and not a word'


def test_smaller_max_request_size_breaks_no_other_connection(daemon):
    daemon.configure(max_request_size='64k')
    daemon.start()
    with daemon.connect() as large, daemon.connect() as other:
        large.send_and_wait(request(x='y' * 30000)[:-1])
        daemon.configure(max_request_size='4k')
        daemon.reload()
        large.send(b'x')
        assert large.read_to_end() == b''
        assert other.ask() == GREYLISTED
