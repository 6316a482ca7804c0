# SPDX-License-Identifier: BSD-2-Clause
"""What a disk may hold of a database after a power cut.

A daemon that has t/rig/disk_recorder.c in it records every write.  Of what was written until some moment, that
much is certain that was synced; of the rest the disk has any part, down to single sectors, and what happened to
the names of files it has up to some moment behind the last sync of their folder.
"""

import struct
from typing import NamedTuple

from preload import preload

SECTOR = 512
HEAD = struct.Struct('<cBHIQ')  # struct disk_record
SUFFIXES = ['', '-wal', '-journal', None]


class Record(NamedTuple):
    what: str     # as in disk_recorder.c
    suffix: str   # which file: the database's name and this; None: the folder
    at: int
    bytes: bytes
    end: int      # the size of the record file when it was written


class Inode:
    """A file, by whatever name."""

    def __init__(self, content=b''):
        self.synced = bytearray(content)
        self.later = []  # records since

    def sync(self):
        for record in self.later:
            self._apply(self.synced, record)
        self.later = []

    def after_cut(self, random):
        """Its content, by chance."""
        content = bytearray(self.synced)
        share = random.choice([0, 0.1, 0.5, 0.9, 1])
        is_torn = random.random() < 0.5
        for record in self.later:
            if record.what == 'W' and is_torn:
                for part in self._sectors(record):
                    if random.random() < share:
                        self._apply(content, part)
            elif random.random() < share:
                self._apply(content, record)
        return content

    @staticmethod
    def _sectors(record):
        for begin in range(0, len(record.bytes), SECTOR):
            yield record._replace(at=record.at + begin, bytes=record.bytes[begin:begin + SECTOR])

    @staticmethod
    def _apply(content, record):
        size = record.at + len(record.bytes)
        if record.what == 'T':
            del content[record.at:]
        if len(content) < size:
            content.extend(bytes(size - len(content)))
        content[record.at:size] = record.bytes


class Folder:
    """The names of the database's files, as they are and as they are on the disk."""

    def __init__(self, database):
        self._database = database
        self.now = {suffix: Inode(self._path(suffix).read_bytes())
                    for suffix in SUFFIXES[:3] if self._path(suffix).exists()}
        self.synced = dict(self.now)
        self.later = []  # (suffix, Inode or None)

    def _path(self, suffix):
        return self._database.with_name(self._database.name + suffix)

    def apply(self, record):
        inode = self.now.get(record.suffix)
        if record.what == 'D':
            self._update(self.synced, self.later)
            self.later = []
        elif record.what == 'C' and inode is None:
            self._rename(record.suffix, Inode())
        elif record.what == 'U':
            self._rename(record.suffix, None)
        elif record.what == 'S' and inode is not None:
            inode.sync()
        elif record.what in 'WT' and inode is not None:
            inode.later.append(record)

    def _rename(self, suffix, inode):
        self.later.append((suffix, inode))
        self._update(self.now, self.later[-1:])

    @staticmethod
    def _update(names, changes):
        for suffix, inode in changes:
            names[suffix] = inode
            if inode is None:
                del names[suffix]

    def write_after_cut(self, random):
        """Leave in place of the database what the disk may hold, by chance."""
        names = dict(self.synced)
        self._update(names, self.later[:random.randint(0, len(self.later))])
        for path in self._database.parent.glob(f'{self._database.name}*'):
            path.unlink()
        for suffix, inode in names.items():
            self._path(suffix).write_bytes(inode.after_cut(random))


class PowerCut:
    """Begin it before the daemon, which starts in .environment; cut() when that has ended."""

    def __init__(self, database, record):
        self._record = record
        record.touch()
        self._folder = Folder(database)
        self.environment = preload('disk_recorder', DISK_WATCHED=database, DISK_RECORD=record)

    def moment(self):
        """How much was recorded by now."""
        return self._record.stat().st_size

    def records(self):
        found = []
        with self._record.open('rb') as file:
            while head := file.read(HEAD.size):
                what, number, _, count, at = HEAD.unpack(head)
                found.append(Record(what.decode(), SUFFIXES[number], at, file.read(count), file.tell()))
        return found

    def cuts(self, random, choose):
        """For each moment that choose(number of records) tells, leave the files as they may be after a cut just
        then, and yield that moment."""
        records = self.records()
        moments = sorted(set(choose(records)))
        done = 0
        for moment in moments:
            for record in records[done:moment]:
                self._folder.apply(record)
            done = moment
            self._folder.write_after_cut(random)
            yield records[moment - 1].end if moment > 0 else 0
