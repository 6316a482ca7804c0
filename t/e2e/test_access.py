# SPDX-License-Identifier: BSD-2-Clause
"""The access tables, which the daemon reads again by itself."""

import pytest

from daemon import RECIPIENT_ACCESS, SENDER_ACCESS
from hosts import MAIL_V4
from poll import wait_until
from smtp_client import ask, greylisted, rejected

FRIEND = 'friend@sender.example'
OLD_FRIEND = 'old-friend@sender.example'
ENEMY = 'enemy@sender.example'
ALICE = 'alice@here.example'
BOB = 'bob@here.example'

# "Within two seconds", and as much again for a machine that is busy.
NOTICED_S = 2 + 2


def edit_in_place(path, text):
    with path.open('r+') as file:
        file.write(text)
        file.truncate()


def edit_by_rename(path, text):
    new = path.with_suffix('.new')
    new.write_text(text)
    new.rename(path)


either_way = pytest.mark.parametrize('edit', [edit_in_place, edit_by_rename], ids=['in place', 'by rename'])


def wait_until_accepted(sender):
    wait_until(f'{sender} is accepted', lambda: ask(MAIL_V4, sender, ALICE).code == 250, timeout_s=NOTICED_S)


def wait_until_logged(daemon, text):
    # With mail in between, so that it does not matter whether time or a request makes the daemon look.
    wait_until(f'{text} in the log', lambda: ask(MAIL_V4, OLD_FRIEND, BOB) and text in daemon.log(),
               timeout_s=NOTICED_S)


def test_listed_sender_is_not_greylisted(daemon):
    SENDER_ACCESS.write_text(f'{FRIEND} OK\n')
    daemon.start()
    assert ask(MAIL_V4, FRIEND, ALICE).code == 250
    daemon.wait_for_verdict(action='pass', reason='sender_access (line 1)', sender=FRIEND)
    assert ask(MAIL_V4, ENEMY, ALICE) == greylisted(ALICE)


def test_rejected_sender_sees_the_text_of_the_table(daemon):
    SENDER_ACCESS.write_text(f'{ENEMY} REJECT Not wanted here\n')
    daemon.start()
    assert ask(MAIL_V4, ENEMY, ALICE) == rejected(ALICE, 'Not wanted here')
    daemon.wait_for_verdict(action='reject', reason='sender_access (line 1)', sender=ENEMY)


def test_null_sender_can_be_listed(daemon):
    SENDER_ACCESS.write_text('<> REJECT No bounces here\n')
    daemon.start()
    assert ask(MAIL_V4, '', ALICE) == rejected(ALICE, 'No bounces here')


@either_way
def test_edit_of_sender_access_counts_within_two_seconds(daemon, edit):
    SENDER_ACCESS.write_text(f'{OLD_FRIEND} OK\n')
    daemon.start()
    assert ask(MAIL_V4, FRIEND, ALICE) == greylisted(ALICE)
    edit(SENDER_ACCESS, f'{OLD_FRIEND} OK\n{FRIEND} OK\n')
    wait_until_accepted(FRIEND)
    assert ask(MAIL_V4, OLD_FRIEND, ALICE).code == 250


def test_edit_after_a_rename_counts_as_well(daemon):
    SENDER_ACCESS.write_text('')
    daemon.start()
    edit_by_rename(SENDER_ACCESS, f'{FRIEND} OK\n')
    wait_until_accepted(FRIEND)
    edit_in_place(SENDER_ACCESS, f'{OLD_FRIEND} OK\n')
    wait_until_accepted(OLD_FRIEND)
    assert ask(MAIL_V4, FRIEND, ALICE) == greylisted(ALICE)


def test_table_that_appears_later_counts(daemon):
    daemon.start()
    assert ask(MAIL_V4, FRIEND, ALICE) == greylisted(ALICE)
    edit_by_rename(SENDER_ACCESS, f'{FRIEND} OK\n')
    wait_until_accepted(FRIEND)


@either_way
def test_edit_of_recipient_access_counts_within_two_seconds(daemon, edit):
    RECIPIENT_ACCESS.write_text('# nobody yet\n')
    daemon.start()
    assert ask(MAIL_V4, FRIEND, ALICE) == greylisted(ALICE)
    edit(RECIPIENT_ACCESS, f'{ALICE} OK\n')
    wait_until_accepted(FRIEND)


@either_way
def test_broken_edit_is_logged_with_its_line_and_changes_nothing(daemon, edit):
    SENDER_ACCESS.write_text(f'{OLD_FRIEND} OK\n')
    daemon.start()
    edit(SENDER_ACCESS, f'{FRIEND} OK\n{ENEMY} NONSENSE\n')
    wait_until_logged(daemon, f'{SENDER_ACCESS}:2:')
    assert ask(MAIL_V4, OLD_FRIEND, ALICE).code == 250
    assert ask(MAIL_V4, FRIEND, ALICE) == greylisted(ALICE)
    # Mended, it counts.
    edit(SENDER_ACCESS, f'{FRIEND} OK\n')
    wait_until_accepted(FRIEND)
