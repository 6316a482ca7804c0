# SPDX-License-Identifier: BSD-2-Clause
"""What the DNS of a test knows: records by name and type, written as lines of text.

    mail.example.org        AAAA  2001:db8::1
    2001:db8::1             PTR   mail.example.org      # an address stands for its name in the reverse tree
    example.org        60   TXT   v=spf1 mx -all        # with a TTL; a text without quotes is one text
    example.org             TXT   "two " "strings"
"""

import re
from ipaddress import ip_address

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset

LINE = re.compile(r'(?P<name>\S+)\s+(?:(?P<ttl>\d+)\s+)?(?P<kind>[A-Z]+\d*)\s+(?P<data>.*?)\s*')

# Longer than any that a test means to be followed.
LONGEST_CHAIN = 64

IN = dns.rdataclass.IN


def name_of(text):
    """A name of the zone: absolute, in lower case.  Only dots have a meaning in text; IP addresses stand for
    their reverse names."""
    if isinstance(text, dns.name.Name):
        return text.canonicalize()
    try:
        return dns.reversename.from_address(str(ip_address(text)))
    except ValueError:
        labels = [label.encode() for label in text.rstrip('.').lower().split('.')]
        return dns.name.Name([*labels, b''] if labels != [b''] else [b''])


def strings_of(text):
    """A text of any length as TXT records have it: in strings of 255 bytes at most."""
    data = text.encode() if isinstance(text, str) else text
    return [data[i:i + 255] for i in range(0, len(data), 255)] or [b'']


def txt_rdata(strings):
    """A TXT record of these strings (bytes), even of none at all, which is illegal."""
    wire = b''.join(bytes([len(string)]) + string for string in strings)
    return dns.rdata.GenericRdata(IN, dns.rdatatype.TXT, wire)


class Zone:
    """All names there are; unless a line says otherwise, records have this TTL.

    What is not there may be remembered for negative_ttl seconds, as its SOA record says.
    """

    def __init__(self, text='', ttl=60, negative_ttl=60):
        self.ttl = ttl
        self.negative_ttl = negative_ttl
        self._sets = {}
        self._names = set()
        self.add(text)

    def add(self, text):
        """Add the records in these lines."""
        for line in text.splitlines():
            line = re.sub(r'\s+#.*|^#.*', '', line).strip()
            if line:
                match = LINE.fullmatch(line)
                assert match, f'not a record: {line}'
                ttl = self.ttl if match['ttl'] is None else int(match['ttl'])
                self.add_record(match['name'], match['kind'], match['data'], ttl)

    def add_record(self, name, kind, data, ttl=None):
        """One record; data is a text, or for TXT also bytes or a list of strings (bytes)."""
        kind = dns.rdatatype.from_text(kind)
        if kind == dns.rdatatype.TXT and not (isinstance(data, str) and data.startswith('"')):
            rdata = txt_rdata(data if isinstance(data, list) else strings_of(data))
        else:
            rdata = dns.rdata.from_text(IN, kind, data, origin=dns.name.root, relativize=False)
        self._add(name_of(name), rdata, self.ttl if ttl is None else ttl)

    def add_wire(self, name, kind, labels, prefix=b''):
        """A record that is a name of these labels (bytes, any), behind prefix (bytes)."""
        kind = dns.rdatatype.from_text(kind)
        wire = prefix + b''.join(bytes([len(label)]) + label for label in labels) + b'\x00'
        self._add(name_of(name), dns.rdata.GenericRdata(IN, kind, wire), self.ttl)

    def _add(self, name, rdata, ttl):
        if (name, rdata.rdtype) not in self._sets:
            self._sets[name, rdata.rdtype] = dns.rrset.RRset(name, IN, rdata.rdtype)
        self._sets[name, rdata.rdtype].add(rdata, ttl)
        while name not in self._names:  # the name, and those above it, exist
            self._names.add(name)
            if name != dns.name.root:
                name = name.parent()

    def remove(self, name, kind):
        """There is no such record any longer, although the name goes on to exist."""
        del self._sets[name_of(name), dns.rdatatype.from_text(kind)]

    def resolve(self, name, kind):
        """(rcode, record sets) for a question, CNAMEs followed as a recursive resolver does.

        A CNAME loop is SERVFAIL behind all of its CNAMEs.
        """
        name = name_of(name)
        chain = []
        followed = set()
        while name not in followed and len(chain) < LONGEST_CHAIN:
            followed.add(name)
            if (name, kind) in self._sets:
                return dns.rcode.NOERROR, [*chain, self._sets[name, kind]]
            cname = self._sets.get((name, dns.rdatatype.CNAME))
            if cname is None:
                return dns.rcode.NOERROR if name in self._names else dns.rcode.NXDOMAIN, chain
            chain.append(cname)
            name = name_of(cname[0].target)
        return dns.rcode.SERVFAIL, chain

    def soa(self, name):
        """The SOA record that tells how long there will be no such record."""
        top = dns.name.Name(name_of(name).labels[-2:])
        return dns.rrset.from_text(top, self.negative_ttl, IN, dns.rdatatype.SOA,
                                   f'. . 1 3600 600 86400 {self.negative_ttl}')
