# SPDX-License-Identifier: BSD-2-Clause
"""The daemon's database as others see it: an admin with sqlite3(1), a broken disk."""

import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

PAGE = 4096


def connect(path):
    return sqlite3.connect(path, timeout=30, isolation_level=None)


def rows(path, sql):
    with closing(connect(path)) as connection:
        return connection.execute(sql).fetchall()


def execute(path, sql):
    """Change what is in it; the daemon is down."""
    with closing(connect(path)) as connection:
        connection.execute(sql)


def entries(path):
    return rows(path, 'SELECT identity, sender, recipient FROM entry')


@contextmanager
def copied(path):
    """A copy of it: the daemon shall find its files as it, or a power cut, left them."""
    with tempfile.TemporaryDirectory(prefix='sixgate-') as folder:
        for name in (path.name, f'{path.name}-wal', f'{path.name}-journal'):
            if (path.parent / name).exists():
                shutil.copy(path.parent / name, folder)
        yield Path(folder) / path.name


def integrity(path):
    """What PRAGMA integrity_check says of a copy."""
    with copied(path) as copy:
        return rows(copy, 'PRAGMA integrity_check')[0][0]


def index_faults(path):
    """Entries that their index should have, and others that it has and is not about to lose: (hash, id)."""
    return rows(path, """
        SELECT hash, id FROM entry WHERE id <= (SELECT value FROM meta WHERE name = 'placed')
        EXCEPT SELECT hash, id FROM place
        UNION ALL SELECT * FROM (SELECT hash, id FROM place EXCEPT SELECT hash, id FROM entry
                                 EXCEPT SELECT hash, id FROM removed)""")


@contextmanager
def locked(path):
    """Nobody else can write meanwhile."""
    with closing(connect(path)) as connection:
        connection.execute('BEGIN EXCLUSIVE')
        yield
        connection.execute('ROLLBACK')


def empty_log(path):
    """Bring all that is in the write-ahead log into the database itself."""
    with closing(connect(path)) as connection:
        busy, _, _ = connection.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()
        assert busy == 0


def overwrite(path, begin, end=None):
    """Put rubbish there."""
    with path.open('r+b') as file:
        end = end or path.stat().st_size
        file.seek(begin)
        file.write(b'\xa5' * (end - begin))


def truncate(path, size):
    with path.open('r+b') as file:
        file.truncate(size)


# What a disk can do to a file, each by a name that says where.
DAMAGES = {
    'header': lambda path: overwrite(path, 0, 100),
    'middle': lambda path: overwrite(path, PAGE),
    'truncated': lambda path: truncate(path, PAGE),
}
