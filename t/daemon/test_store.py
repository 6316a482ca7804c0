# SPDX-License-Identifier: BSD-2-Clause
"""What can happen to a database: damage, a full disk, somebody else's lock."""

import errno
import os
import re
import select
import shutil
import signal
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

import database
from daemon import Load
from policy import GREYLISTED, PASS, STORE_DEFERS, new_recipient, request
from poll import wait_until
from preload import Disk
from user import can_mount

STORE_FAILED = ('on_store_failure', 'check_deadline')
MOVED = re.compile(r'error: store: (\S+): the database is damaged: .*; it is now (\S+), and a new one is begun')
DATED = re.compile(r'sixgate\.db\.damaged-\d{8}T\d{6}Z(\.\d+)?')


def fill(daemon, count=200):
    """Entries enough for a few pages."""
    recipients = [new_recipient() for _ in range(count)]
    with daemon.connect() as connection:
        for recipient in recipients:
            connection.ask(recipient=recipient)
    return recipients


def assert_begun_anew(daemon, start):
    """The damaged database is where the log says, and a new one is in use."""
    daemon.wait_for_log(MOVED, start)
    old, new = MOVED.search(daemon.log(start)).groups()
    assert old == str(daemon.database)
    assert Path(new).is_file() and DATED.fullmatch(Path(new).name)
    assert daemon.reason(recipient=new_recipient()) == 'new'
    assert database.integrity(daemon.database) == 'ok'


# At the start and while it runs

@pytest.mark.parametrize('where', database.DAMAGES)
def test_database_damaged_before_the_start_is_moved_aside(daemon, where):
    daemon.start()
    recipients = fill(daemon)
    daemon.stop()
    database.DAMAGES[where](daemon.database)
    damaged = daemon.database.read_bytes()
    start = daemon.log_size()
    daemon.start()
    # What is damaged may be found at once or by the first request.
    assert daemon.reason(recipient=recipients[0]) == 'new'
    assert_begun_anew(daemon, start)
    moved = Path(MOVED.search(daemon.log(start))[2])
    assert moved.read_bytes() == damaged, 'what is left of the database was changed'


@pytest.mark.parametrize('where', database.DAMAGES)
def test_database_damaged_while_in_use_is_moved_aside_and_mail_is_answered(daemon, where):
    daemon.configure(max_new_per_client=0)
    daemon.start()
    before = daemon.open_files()
    recipients = fill(daemon)
    database.empty_log(daemon.database)
    start = daemon.log_size()
    with daemon.connect() as connection:
        database.DAMAGES[where](daemon.database)
        assert connection.ask(recipient=recipients[0]) == GREYLISTED
    assert_begun_anew(daemon, start)
    assert [verdict for verdict in daemon.verdicts(start) if verdict['reason'] in STORE_FAILED] == []
    assert daemon.has_closed_all_since(before)


def test_database_damaged_under_load_costs_no_answer(daemon):
    daemon.configure(max_new_per_client=0)
    daemon.start()
    fill(daemon)
    with Load(daemon, 4, lambda action: action in (GREYLISTED, PASS)) as load:
        for _ in range(3):
            load.wait_for_more(50)
            # It is met when the log is brought into the database, or at the next start.
            database.overwrite(daemon.database, 0)
            database.overwrite(daemon.database.with_name('sixgate.db-wal'), 0)
            load.wait_for_more(50)
    daemon.stop()
    daemon.start()
    assert daemon.ask(recipient=new_recipient()) == GREYLISTED
    assert database.integrity(daemon.database) == 'ok'


def test_two_damages_within_one_second_keep_both_databases(daemon):
    for _ in range(3):
        daemon.start()
        daemon.ask(recipient=new_recipient())
        daemon.stop()
        database.DAMAGES['header'](daemon.database)
    daemon.start()
    assert len([path for path in daemon.folder.iterdir() if DATED.fullmatch(path.name)]) == 3


def test_disk_that_damages_each_new_database_is_not_filled_with_them(daemon):
    daemon.configure(max_new_per_client=0, on_store_failure='defer')
    daemon.start()
    answers = []
    while STORE_DEFERS not in answers:
        answers.append(daemon.ask(recipient=new_recipient()))
        database.empty_log(daemon.database)
        database.DAMAGES['header'](daemon.database)
        answers.append(daemon.ask(recipient=new_recipient()))
    assert set(answers) == {GREYLISTED, STORE_DEFERS}
    daemon.wait_for_log('the database is damaged once more, as 10 before it were within an hour')
    assert len([path for path in daemon.folder.iterdir() if DATED.fullmatch(path.name)]) == 10


def test_missing_tables_are_damage_too(daemon):
    daemon.start()
    daemon.stop()
    with closing(database.connect(daemon.database)) as vandal:
        vandal.execute('DROP TABLE client')
    start = daemon.log_size()
    daemon.start()
    assert_begun_anew(daemon, start)


def test_log_that_somebody_else_keeps_from_becoming_short_is_told(daemon):
    daemon.configure(max_new_per_client=0, store_sync='normal')
    daemon.start()
    fill(daemon, 10)
    log = Path(f'{daemon.database}-wal')
    with closing(database.connect(daemon.database)) as backup:
        backup.execute('BEGIN')
        backup.execute('SELECT count(*) FROM entry').fetchone()
        while 'its write-ahead log has 64 MB, and grows' not in daemon.log():
            fill(daemon, 500)
            assert log.stat().st_size < 100 << 20, daemon.log()
        backup.execute('ROLLBACK')

    def is_short_again():
        fill(daemon, 10)
        return 'its write-ahead log is short again' in daemon.log()
    wait_until('the log has begun anew', is_short_again)
    assert daemon.log().count('its write-ahead log has') == 1


GONE = 'error: store: .*: the database was removed or replaced while it was in use'


def test_database_that_was_deleted_while_in_use_is_told_and_a_new_one_begun(daemon):
    daemon.start()
    fill(daemon, 10)
    for path in daemon.folder.glob('sixgate.db*'):
        path.unlink()
    daemon.wait_for_log(GONE)
    recipient = new_recipient()
    wait_until('a new database is in use', daemon.database.exists)
    assert daemon.ask(recipient=recipient) == GREYLISTED
    daemon.kill()
    daemon.start()
    assert daemon.reason(recipient=recipient).startswith('early-retry')


@pytest.mark.long
def test_backup_that_replaces_the_database_while_in_use_is_taken_as_it_is(daemon):
    daemon.start()
    old = fill(daemon, 200)
    daemon.stop()
    backup = daemon.folder / 'backup'
    shutil.copy(daemon.database, backup)
    daemon.start()
    new = fill(daemon, 200)
    backup.rename(daemon.database)
    daemon.wait_for_log(GONE)
    wait_until('the backup is in use', lambda: daemon.reason(recipient=old[0]).startswith('early-retry'))
    for recipient in old:
        assert daemon.reason(recipient=recipient).startswith('early-retry')
    for recipient in new:
        assert daemon.reason(recipient=recipient) == 'new', 'the log of the other database was taken for this one\'s'
    assert database.integrity(daemon.database) == 'ok'


def test_log_of_the_database_that_is_removed_while_in_use_costs_nothing_that_was_answered(daemon):
    daemon.start()
    before = fill(daemon, 50)
    for suffix in ('-wal', '-shm'):
        Path(f'{daemon.database}{suffix}').unlink()
    after = fill(daemon, 50)
    daemon.wait_for_log(GONE)
    daemon.kill()
    daemon.start()
    for recipient in before + after:
        assert daemon.reason(recipient=recipient).startswith('early-retry')


def test_database_that_is_renamed_while_in_use_is_complete_under_its_new_name(daemon):
    daemon.start()
    fill(daemon, 50)
    old = daemon.database.rename(daemon.folder / 'old.db')
    daemon.wait_for_log(GONE)
    daemon.stop()
    assert len(database.entries(old)) == 50
    assert database.integrity(old) == 'ok'


def test_damage_that_only_the_clean_up_meets_is_moved_aside(daemon):
    daemon.configure(greylist_delay='1s')
    daemon.start()
    wait_until('a client is counted', lambda: daemon.reason() == 'triplet found')
    daemon.stop()
    page = database.rows(daemon.database, "SELECT rootpage FROM sqlite_master WHERE name = 'client_expires'")[0][0]
    database.overwrite(daemon.database, (page - 1) * database.PAGE, page * database.PAGE)
    start = daemon.log_size()
    daemon.start()
    daemon.wait_for_log(MOVED.pattern, start)
    assert_begun_anew(daemon, start)


CUTS = {
    'cut in the middle': lambda log: database.truncate(log, log.stat().st_size // 2 + 1234),
    'cut in its header': lambda log: database.truncate(log, 20),
    'emptied': lambda log: database.truncate(log, 0),
    'overwritten from the middle': lambda log: database.overwrite(log, log.stat().st_size // 2),
    'header overwritten': lambda log: database.overwrite(log, 0, 32),
}


@pytest.mark.parametrize('cut', CUTS)
def test_log_of_the_database_that_was_cut_costs_only_what_stood_behind(daemon, cut):
    daemon.start()
    copied = fill(daemon, 50)
    database.empty_log(daemon.database)
    in_log = fill(daemon, 100)
    daemon.kill()
    CUTS[cut](daemon.database.with_name('sixgate.db-wal'))
    start = daemon.log_size()
    daemon.start()
    reasons = daemon.reasons(*({'recipient': recipient} for recipient in copied + in_log))
    known = [reason.startswith('early-retry') for reason in reasons]
    assert all(known[:len(copied)])
    assert known == sorted(known, reverse=True), 'one is missing in between'
    assert known.count(False) > 0, 'nothing was cut'
    assert 'error: ' not in daemon.log(start)
    assert database.integrity(daemon.database) == 'ok'


# Locked by somebody else

@pytest.mark.parametrize('setting, answer', [('pass', PASS), ('defer', STORE_DEFERS)])
def test_locked_store_is_answered_as_on_store_failure_says_within_check_deadline(daemon, setting, answer):
    daemon.start()
    assert daemon.ask() == GREYLISTED
    daemon.configure(check_deadline='1s', on_store_failure=setting)
    daemon.reload()
    taken = []
    with database.locked(daemon.database):
        for _ in range(3):
            begin = time.monotonic()
            verdict = daemon.verdict(recipient=new_recipient())
            taken.append(time.monotonic() - begin)
            assert verdict['answer'] == answer
            assert verdict['reason'] in STORE_FAILED
    # A slow machine may hold up one, but hardly all of them.
    assert min(taken) < 1.9
    wait_until('the store answers again', lambda: daemon.reason(recipient=new_recipient()) == 'new')
    assert daemon.reason().startswith('early-retry'), 'what was known before is forgotten'


def test_locked_store_knows_what_it_knew(daemon):
    daemon.configure(greylist_delay='1s', on_store_failure='defer')
    daemon.start()
    wait_until('a sender passes', lambda: daemon.reason() == 'triplet found')
    with database.locked(daemon.database):
        assert daemon.reason() == 'triplet found'
        assert daemon.reason(recipient=new_recipient()) in STORE_FAILED
        # A failure is no reason to ask more of what needs nothing written.
        for _ in range(5):
            assert daemon.reason() == 'triplet found'


def test_known_mail_does_not_wait_behind_what_waits_for_a_lock(daemon):
    daemon.configure(greylist_delay='1s', on_store_failure='defer', check_deadline='20s')
    daemon.start()
    wait_until('a sender passes', lambda: daemon.reason() == 'triplet found')

    answered = 0
    with database.locked(daemon.database), daemon.connect() as new, daemon.connect() as known:
        new.send_request(recipient=new_recipient())
        while select.select([new.socket], [], [], 0)[0] == []:
            assert known.ask() == PASS
            answered += 1
        assert new.read_answer() == STORE_DEFERS
    # In two seconds.  Some come before the store has seen the new one.
    assert answered > 20


def test_known_mail_does_not_wait_behind_more_than_one_transaction_takes(daemon):
    daemon.configure(greylist_delay='1s', on_store_failure='defer', check_deadline='1s', max_new_per_client=0)
    daemon.start()
    wait_until('a sender passes', lambda: daemon.reason() == 'triplet found')
    with database.locked(daemon.database), daemon.connect() as known, ExitStack() as stack:
        crowd = [stack.enter_context(daemon.connect()) for _ in range(900)]
        for _ in range(2):
            for connection in crowd:
                connection.send_request(recipient=new_recipient())
            # Whoever waits is told after a second; the store still has his question then.
            for connection in crowd:
                assert known.ask() == PASS
                assert connection.read_answer() == STORE_DEFERS


@pytest.mark.parametrize('state, passes', [('back in time', 1), ('known for long', 2)])
def test_who_passes_does_so_when_that_cannot_be_kept(daemon, state, passes):
    daemon.configure(greylist_delay='1s', on_store_failure='defer')
    daemon.start()
    assert daemon.reason() == 'new'
    if state == 'known for long':
        wait_until('a sender passes', lambda: daemon.reason() == 'triplet found')
    # As if all of it had happened two hours ago.
    database.execute(daemon.database, 'UPDATE entry SET first_seen = first_seen - 7200, last_seen = last_seen - 7200')
    with database.locked(daemon.database):
        assert daemon.ask(recipient=new_recipient()) == STORE_DEFERS
        for _ in range(2):
            assert daemon.reason() == 'triplet found'
    assert daemon.reason() == 'triplet found'
    assert database.rows(daemon.database, 'SELECT passes FROM entry') == [(passes,)]


def test_nobody_passes_by_what_could_not_be_kept(daemon):
    """One who is back in time makes his client known, but for the disk; his next mail is in the same transaction."""
    disk = Disk(daemon.database, daemon.folder / 'fault')
    daemon.configure(greylist_known_after=1, on_store_failure='defer')
    daemon.start(env=disk.environment)
    first, second = new_recipient(), new_recipient()
    assert daemon.ask(recipient=first) == GREYLISTED
    database.execute(daemon.database, 'UPDATE entry SET first_seen = first_seen - 7200, last_seen = last_seen - 7200')
    disk.fail(errno.ENOSPC)
    with daemon.connect() as old, daemon.connect() as new:
        # So that both are read at once.
        daemon.signal(signal.SIGSTOP)
        old.send_request(recipient=first)
        new.send_request(recipient=second)
        daemon.signal(signal.SIGCONT)
        assert old.read_answer().startswith('PREPEND ')
        assert new.read_answer() == STORE_DEFERS
    disk.fail(0)


def test_store_locked_for_a_moment_only_makes_mail_wait(daemon):
    daemon.start()
    reasons = []
    # On a slow machine the moment may become longer than the daemon waits; but hardly each time.
    for _ in range(10):
        start = daemon.log_size()
        with daemon.connect() as connection, daemon.connect() as other:
            with database.locked(daemon.database):
                connection.send_and_wait(request(recipient=new_recipient()))
                for _ in range(100):
                    other.ask(protocol_state='MAIL')
            connection.read_answer()
        wait_until('the verdict is logged', lambda: daemon.verdicts(start))
        reasons.append(daemon.verdicts(start)[0]['reason'])
        if reasons[-1] == 'new':
            return
    raise AssertionError(f'nobody waited for the lock: {reasons}')


def test_admin_who_writes_at_the_same_time_costs_no_answer(daemon):
    daemon.configure(max_new_per_client=0)
    daemon.start()
    stop = threading.Event()

    def write_in_a_loop():
        with closing(database.connect(daemon.database)) as admin:
            admin.execute('PRAGMA synchronous = OFF')
            # Short writes with pauses between them: whoever is patient finds one.
            while not stop.wait(0.005):
                admin.execute("INSERT OR REPLACE INTO client VALUES ('nobody', 0, 0, 0, 99999999999)")
    admin = threading.Thread(target=write_in_a_loop)
    admin.start()
    try:
        start = daemon.log_size()
        with daemon.connect() as connection:
            for _ in range(300):
                connection.ask(recipient=new_recipient())
    finally:
        stop.set()
        admin.join()
    daemon.wait_for_log('sixgated: action=', start, count=300)
    failed = [verdict for verdict in daemon.verdicts(start) if verdict['reason'] in STORE_FAILED]
    assert len(failed) == 0, f'{len(failed)} of 300 were not greylisted because somebody else wrote as well'


@pytest.mark.long
def test_store_locked_for_a_minute(daemon):
    daemon.configure(check_deadline='10s', on_store_failure='defer')
    daemon.start()
    known = [{'recipient': recipient} for recipient in fill(daemon, 3)]
    before = daemon.open_files()
    start = daemon.log_size()
    taken = []
    with database.locked(daemon.database), daemon.connect() as connection:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            begin = time.monotonic()
            assert connection.ask(recipient=new_recipient()) == STORE_DEFERS
            taken.append(time.monotonic() - begin)
            assert all(reason.startswith('early-retry') for reason in daemon.reasons(*known))
    # Each waits two seconds for the lock; a slow machine may hold up some.
    assert sorted(taken)[len(taken) // 2] < 5
    wait_until('the store answers again', lambda: daemon.reason(recipient=new_recipient()) == 'new')
    daemon.wait_for_log('store: .*: answers again', start)
    daemon.wait_for_log('error: store: .*locked', start)
    assert len(re.findall('error: store: .*locked', daemon.log(start))) == 1, 'it is said once'
    assert daemon.has_closed_all_since(before)


def test_end_while_the_store_is_locked(daemon):
    daemon.configure(check_deadline='1s')
    daemon.start()
    with database.locked(daemon.database):
        with daemon.connect() as connection:
            connection.send_and_wait(request())
            daemon.stop()
            assert connection.read_to_end() == f'action={PASS}\n\n'.encode()


# A full disk

class SmallDisk:
    """A file system of a megabyte in the daemon's own mount namespace."""

    def __init__(self, daemon):
        self._daemon = daemon
        self.mounted = daemon.folder / 'disk'
        self.mounted.mkdir()

    def command(self):
        mount = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'
        return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, self.mounted,
                *self._daemon.command('-v')]

    @property
    def _ballast(self):
        return Path(f'/proc/{self._daemon.pid}/root') / self.mounted.relative_to('/') / 'ballast'

    def fill(self):
        with self._ballast.open('ab', buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def make_room(self):
        self._ballast.unlink()


@pytest.mark.skipif(not can_mount(), reason='needs root, to mount a small file system')
def test_full_disk_is_answered_as_on_store_failure_says_and_room_mends_it(daemon):
    disk = SmallDisk(daemon)
    settings = {'store': f'sqlite:{disk.mounted}/sixgate.db', 'max_new_per_client': 0}
    daemon.configure(**settings, on_store_failure='pass')
    daemon.start(command=disk.command())
    before = daemon.open_files()
    known = fill(daemon, 20)
    disk.fill()

    def answer_of_the_failing_store():
        # Closing and opening the database may make some room again.
        disk.fill()
        verdict = daemon.verdict(recipient=new_recipient())
        return verdict['reason'] == 'on_store_failure' and verdict['answer']
    assert wait_until('the store fails', answer_of_the_failing_store) == PASS
    daemon.configure(**settings, on_store_failure='defer')
    daemon.reload()
    assert wait_until('the store fails', answer_of_the_failing_store) == STORE_DEFERS
    # What needs no writing is known all the same.
    for recipient in known:
        assert daemon.reason(recipient=recipient).startswith('early-retry')
    daemon.wait_for_log('error: store: ')
    said = [line for line in daemon.log().splitlines() if 'error: store: ' in line]
    assert len(said) >= 1 and all('full' in line or 'disk I/O' in line for line in said), said

    disk.make_room()
    wait_until('the store answers again', lambda: daemon.reason(recipient=new_recipient()) == 'new')
    daemon.wait_for_log('store: .*: answers again')
    for recipient in known:
        assert daemon.reason(recipient=recipient).startswith('early-retry')
    assert daemon.has_closed_all_since(before)


# A disk that takes nothing more

@pytest.mark.parametrize('fault', [errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_disk_that_takes_nothing_more_is_a_failing_store(daemon, fault):
    disk = Disk(daemon.database, daemon.folder / 'fault')
    daemon.configure(on_store_failure='defer')
    daemon.start(env=disk.environment)
    known = [{'recipient': recipient} for recipient in fill(daemon, 20)]
    before = daemon.open_files()
    start = daemon.log_size()
    disk.fail(fault)
    for _ in range(3):
        assert daemon.ask(recipient=new_recipient()) == STORE_DEFERS
        # What fails in another way is opened again, and may be gone altogether.
        if fault != errno.EIO:
            assert all(reason.startswith('early-retry') for reason in daemon.reasons(*known))
    assert daemon.admin.request('GET', '/health')[0] == 503
    daemon.wait_for_log('error: store: ', start)
    assert len(re.findall('error: store: ', daemon.log(start))) == 1, 'it is said once'
    assert 'damaged' not in daemon.log(start)
    assert ('disk is full' if fault == errno.ENOSPC else os.strerror(fault)) in daemon.log(start)
    disk.fail(0)
    wait_until('the store answers again', lambda: daemon.reason(recipient=new_recipient()) == 'new')
    daemon.wait_for_log('store: .*: answers again', start)
    assert all(reason.startswith('early-retry') for reason in daemon.reasons(*known))
    assert database.integrity(daemon.database) == 'ok'
    assert daemon.has_closed_all_since(before)
