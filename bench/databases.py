# SPDX-License-Identifier: BSD-2-Clause
"""Databases that are filled once a run, and copied for each measurement."""

import contextlib
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

from server import Server

HERE = Path(__file__).resolve().parent
FARM = 'bench'
SQLGREY_CLEAN_EVERY_S = 1800  # db_cleandelay


class Databases:
    """Fills are asked for by kind: "sixgated", "farm", "postgrey" or "sqlgrey", and "" for no database."""

    def __init__(self, folder, tools, load):
        self._folder = folder
        self._tools = tools
        self._load = load
        self._fills = {'sixgated': self._fill_sixgated, 'farm': self._fill_farm, 'postgrey': self._fill_postgrey,
                       'sqlgrey': self._fill_sqlgrey}

    def copy_to(self, folder, kind, entries, expired=0):
        """Put into folder what has these entries that passed, and as many more that expired."""
        if kind and entries:
            self._copy(folder, f'{kind}-{entries}-{expired}',
                       lambda place: self._fills[kind](place, entries, expired))

    def copy_flooded_to(self, folder, entries, flood):
        """The same for sixgated, with a flood of others that wait."""
        self._copy(folder, f'flooded-{entries}-{flood}',
                   lambda place: self._fill_sixgated(place, entries, 0, '--flood', str(flood)))

    def _copy(self, folder, name, fill):
        place = self._folder / name
        if not place.exists():
            unfinished = place.with_suffix('.unfinished')
            unfinished.mkdir()
            fill(unfinished)
            unfinished.rename(place)
        for file in place.iterdir():
            shutil.copyfile(file, folder / file.name)

    def _fill_sixgated(self, place, entries, expired, *more):
        subprocess.run([self._tools / 'fill-store', '--store', f'sqlite:{place}/sixgate.db', '--entries',
                        str(entries + expired), '--expired', str(expired), *more], check=True)

    def _fill_farm(self, place, entries, expired):
        self._fill_sixgated(place, entries, expired, '--farm', FARM)

    def _fill_postgrey(self, place, entries, expired):
        self._fill_by_script('fill_postgrey.pl', place, entries, expired)

    def _fill_sqlgrey(self, place, entries, expired):
        write_sqlgrey_config(place)
        Server(['/usr/sbin/sqlgrey', '-d', '-f', place / 'config', '-p', place / 'pid'], place / 'policy',
               place / 'pid').stop()  # it makes its tables
        self._fill_by_script('fill_sqlgrey.pl', place / 'sqlgrey.db', entries, expired)
        for name in ('config', 'pid', 'policy'):
            (place / name).unlink(missing_ok=True)

    def _fill_by_script(self, script, where, entries, expired):
        with self._load.print_population('known', entries + expired) as lines:
            subprocess.run(['perl', HERE / script, where, str(expired)], stdin=lines.stdout, check=True)


def write_sqlgrey_config(folder):
    """Debian's defaults, but for the files, and for mail to the postmaster."""
    (folder / 'config').write_text(
        f'unix = {folder}/policy\npidfile = {folder}/pid\nuser = root\ngroup = root\n'
        f'db_type = SQLite\ndb_name = {folder}/sqlgrey.db\nadmin_mail =\n')


def set_sqlgrey_clean_up(folder, in_s):
    """Its next clean-up comes with the first request after so many seconds."""
    database = sqlite3.connect(folder / 'sqlgrey.db')
    with database:
        database.execute("DELETE FROM config WHERE parameter = 'last_dbclean'")
        database.execute("INSERT INTO config VALUES ('last_dbclean', ?)",
                         (str(int(time.time()) - SQLGREY_CLEAN_EVERY_S + in_s),))
    database.close()


def count_expired(folder):
    """How many rows of no use a stopped sixgated has left."""
    return ask_sixgated(folder, 'SELECT count(*) FROM entry WHERE expires < ?', int(time.time()))


def count_entries(folder, senders):
    """All "entries" of a stopped sixgated, and those that are "matching" a pattern of senders, as for LIKE."""
    return {'entries': ask_sixgated(folder, 'SELECT count(*) FROM entry'),
            'matching': ask_sixgated(folder, 'SELECT count(*) FROM entry WHERE sender LIKE ?', senders)}


def ask_sixgated(folder, sql, *values):
    """The one number that is asked for."""
    with contextlib.closing(sqlite3.connect(f'file:{folder}/sixgate.db?mode=ro', uri=True)) as database:
        return database.execute(sql, values).fetchone()[0]
