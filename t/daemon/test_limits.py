# SPDX-License-Identifier: BSD-2-Clause
"""How much is kept of a flood, and of everything together."""

import database
from policy import GREYLISTED, new_recipient
from poll import wait_until

NOT_STORED = 'new (not stored: max_new_per_client)'


def test_flood_of_one_64_is_deferred_but_no_longer_stored(daemon):
    daemon.configure(max_new_per_client=10)
    daemon.start()
    for number in range(30):
        verdict = daemon.verdict(client_address=f'2001:db8:1:1::{number:x}', recipient=new_recipient())
        assert verdict['answer'] == GREYLISTED
        assert verdict['reason'] == ('new' if number < 10 else NOT_STORED)
    other = new_recipient()
    assert daemon.reason(client_address='2001:db8:1:2::1', recipient=other) == 'new'
    assert daemon.reason(client_address='2001:db8:1:2::1', recipient=other).startswith('early-retry')
    identities = [row[0] for row in database.entries(daemon.database)]
    assert identities.count('2001:db8:1:1::/64') == 10
    assert identities.count('2001:db8:1:2::/64') == 1


def test_flood_from_many_64s_of_one_48_is_stopped_too(daemon):
    daemon.configure(max_new_per_client=2)
    daemon.start()
    with daemon.connect() as connection:
        for number in range(40):
            action = connection.ask(client_address=f'2001:db8:1:{number:x}::1', recipient=new_recipient())
            assert action == GREYLISTED
    assert len(database.entries(daemon.database)) == 20
    assert daemon.reason(client_address='2001:db8:2:1::1') == 'new'


def test_retry_within_a_flood_is_still_recognised(daemon):
    daemon.configure(max_new_per_client=3)
    daemon.start()
    first = new_recipient()
    assert daemon.reason(recipient=first) == 'new'
    for _ in range(5):
        daemon.ask(recipient=new_recipient())
    assert daemon.reason(recipient=new_recipient()) == NOT_STORED
    assert daemon.reason(recipient=first).startswith('early-retry')


def test_ipv4_flood_counts_by_24(daemon):
    daemon.configure(max_new_per_client=3)
    daemon.start()
    for number in range(3):
        assert daemon.reason(client_address=f'198.51.100.{number}', recipient=new_recipient()) == 'new'
    assert daemon.reason(client_address='198.51.100.200', recipient=new_recipient()) == NOT_STORED
    assert daemon.reason(client_address='198.51.101.1', recipient=new_recipient()) == 'new'


def test_farm_is_no_flood(daemon):
    daemon.farms.write_text('google ptr:.google.com\n')
    daemon.configure(max_new_per_client=3)
    daemon.start()
    for _ in range(10):
        assert daemon.reason(client_name='a.google.com', recipient=new_recipient()) == 'new'


def test_cap_of_0_is_none(daemon):
    daemon.configure(max_new_per_client=0)
    daemon.start()
    with daemon.connect() as connection:
        for _ in range(1200):
            connection.ask(recipient=new_recipient())
    assert len(database.entries(daemon.database)) == 1200


def test_beyond_max_entries_the_oldest_make_room(daemon):
    daemon.configure(max_entries=100, max_new_per_client=0)
    daemon.start()
    recipients = [new_recipient() for _ in range(150)]
    with daemon.connect() as connection:
        for recipient in recipients:
            assert connection.ask(recipient=recipient) == GREYLISTED
    assert {row[2] for row in database.entries(daemon.database)} == set(recipients[50:])
    assert daemon.reason(recipient=recipients[149]).startswith('early-retry')
    assert daemon.reason(recipient=recipients[0]) == 'new'
    assert len(database.entries(daemon.database)) == 100
    daemon.stop()
    daemon.start()
    assert daemon.reason(recipient=new_recipient()) == 'new'
    assert len(database.entries(daemon.database)) == 100


def test_all_places_taken_by_what_has_passed_leave_room_for_those_who_wait(daemon):
    daemon.configure(max_entries=100, max_new_per_client=0)
    daemon.start()
    with daemon.connect() as connection:
        for _ in range(100):
            connection.ask(recipient=new_recipient())
    daemon.stop()
    database.execute(daemon.database, 'UPDATE entry SET passes = 1, expires = expires + 30 * 86400 + id')
    database.execute(daemon.database, "UPDATE meta SET value = 0 WHERE name = 'waiting'")
    passed = [row[2] for row in database.entries(daemon.database)]
    daemon.start()
    waiting = [new_recipient() for _ in range(20)]
    with daemon.connect() as connection:
        for recipient in waiting:
            assert connection.ask(recipient=recipient) == GREYLISTED
    for recipient in waiting:
        assert daemon.reason(recipient=recipient).startswith('early-retry')
    assert {row[2] for row in database.entries(daemon.database)} == {*passed[20:], *waiting}


def test_a_flood_of_new_mail_leaves_what_has_passed(daemon):
    daemon.configure(max_entries=100, max_new_per_client=0)
    daemon.start()
    with daemon.connect() as connection:
        for _ in range(60):
            connection.ask(recipient=new_recipient())
    daemon.stop()
    database.execute(daemon.database, 'UPDATE entry SET passes = 1, expires = expires + 30 * 86400')
    database.execute(daemon.database, "UPDATE meta SET value = 0 WHERE name = 'waiting'")
    passed = {row[2] for row in database.entries(daemon.database)}
    daemon.start()
    with daemon.connect() as connection:
        for _ in range(200):
            connection.ask(recipient=new_recipient())
    stored = {row[2] for row in database.entries(daemon.database)}
    assert passed <= stored
    assert len(stored) == 100


def test_clients_are_bounded_as_entries_are(daemon):
    daemon.configure(max_entries=100)
    daemon.start()
    daemon.ask()
    daemon.stop()
    with database.connect(daemon.database) as past:
        past.executemany('INSERT INTO client VALUES (?, ?, ?, 1, ?)',
                         ((f'192.0.{number}.0/24', number, number, 2**33 + number) for number in range(150)))
        past.execute("UPDATE meta SET value = 150 WHERE name = 'clients'")
    past.close()
    daemon.start()
    wait_until('those next to expire are removed', lambda: [f'192.0.{number}.0/24' for number in range(50, 150)] == [
        row[0] for row in database.rows(daemon.database, 'SELECT identity FROM client ORDER BY expires')])


def test_entries_that_have_expired_are_removed(daemon):
    daemon.start()
    recipients = [new_recipient() for _ in range(30)]
    with daemon.connect() as connection:
        for recipient in recipients:
            connection.ask(recipient=recipient)
    daemon.stop()
    with database.connect(daemon.database) as past:
        past.execute('UPDATE entry SET first_seen = 1000, last_seen = 1000, expires = 2000 WHERE recipient <> ?',
                     (recipients[0],))
    past.close()
    daemon.start()
    wait_until('they are removed', lambda: len(database.entries(daemon.database)) == 1)
    assert daemon.reason(recipient=recipients[0]).startswith('early-retry')
    assert daemon.reason(recipient=recipients[1]) == 'new'
