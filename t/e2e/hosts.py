# SPDX-License-Identifier: BSD-2-Clause
"""The hosts of the tests: the mail host and those that send to it, each with a real address on lo.

A host's name is what DNS says about its address (PTR).  The name leads back to the address, unless `forward`
says otherwise; resolver.py makes the zones from this table.  All but the hosts that are about bad names have a
confirmed name, so that the tests are about one thing at a time.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Optional


@dataclass(frozen=True)
class Host:
    address: str
    name: Optional[str]                        # None: no PTR
    forward: Optional[tuple[str, ...]] = None  # the addresses of the name; None: its own
    second_name: Optional[str] = None          # another PTR record behind the first; it leads back

    @property
    def family(self):
        return ip_address(self.address).version

    @property
    def helo(self):
        return self.name or 'nameless.example'

    @property
    def names(self):
        return [name for name in (self.name, self.second_name) if name is not None]

    @property
    def forward_addresses(self):
        """(name, address) of each A or AAAA record."""
        if self.name is not None:
            for address in (self.address,) if self.forward is None else self.forward:
                yield self.name, address
        if self.second_name is not None:
            yield self.second_name, self.address


# The mail host, by IP family.
MX = {
    4: Host('203.0.113.25', 'mx.here.example'),
    6: Host('2001:db8:25::25', 'mx.here.example'),
}

# One sender's hosts: neighbours in a network, and the same name in another network.
MAIL_V4 = Host('192.0.2.10', 'mail.sender.example')
MAIL_V4_SAME_24 = Host('192.0.2.77', 'mail2.sender.example')
MAIL_V4_OTHER_24 = Host('198.51.100.10', 'mail3.sender.example')
MAIL_V6 = Host('2001:db8:10:1::10', 'mail.sender.example')
MAIL_V6_SAME_64 = Host('2001:db8:10:1:ffff::77', 'mail2.sender.example')
MAIL_V6_OTHER_64 = Host('2001:db8:10:2::10', 'mail3.sender.example')

# A big provider, known by the names of its hosts; and those who would like to pass for it.
GOOGLE_1 = Host('192.0.2.101', 'mail-1.google.example')
GOOGLE_2 = Host('198.51.100.102', 'mail-2.google.example')
GOOGLE_3 = Host('2001:db8:60::103', 'mail-3.google.example')
LOOKALIKE = Host('203.0.113.104', 'mail.evilgoogle.example')
UNCONFIRMED = Host('203.0.113.105', 'mail-5.google.example', forward=())
CONTRADICTED = Host('203.0.113.106', 'mail-6.google.example', forward=('192.0.2.106',))

# Another one, known by its networks.
ISP_1 = Host('192.0.2.51', 'out1.isp.example')
ISP_2 = Host('198.51.100.52', 'out2.isp.example')
ISP_3 = Host('2001:db8:51:1::53', 'out3.isp.example')
NOT_ISP = Host('2001:db8:52:1::53', 'out.other-isp.example')

# A third, known by the networks in its SPF record; see domains.py.
BIG_1 = Host('192.0.2.201', 'customer-1.elsewhere.example')
BIG_2 = Host('198.51.100.202', 'customer-2.elsewhere.example')
BIG_3 = Host('203.0.113.203', 'mail-3.big.example')
BIG_4 = Host('2001:db8:b16::204', 'customer-4.elsewhere.example')
NOT_BIG = Host('192.0.2.204', 'mail-9.big.example')

# Hosts that bring no proper name, over IPv6 where the gate asks for one, and over IPv4 where it may.
NAMELESS = Host('2001:db8:90::1', None)
OTHERS_NAME = Host('2001:db8:90::2', 'mail.contradicted.example', forward=('2001:db8:90::99',))
NAME_WITHOUT_ADDRESS = Host('2001:db8:90::3', 'mail.unconfirmed.example', forward=())
SECOND_NAME = Host('2001:db8:90::4', 'first.contradicted.example', forward=('2001:db8:90::99',),
                   second_name='second.sender.example')
BROKEN_PTR = Host('2001:db8:90::5', None)
BROKEN_NAME = Host('2001:db8:90::6', 'mail.broken.example', forward=())
NAMELESS_V4 = Host('203.0.113.90', None)
OTHERS_NAME_V4 = Host('203.0.113.91', 'mail4.contradicted.example', forward=('203.0.113.99',))

# DNS cannot tell the names of these.
WITH_BROKEN_PTR = [BROKEN_PTR]

# Sends on what it gets, under the senders' own names.
FORWARDER = Host('2001:db8:91::1', 'out.forwarder.example')

# Our own people, in networks that Postfix itself does not trust.
OFFICE_V4 = Host('203.0.113.200', 'pc.office.example')
OFFICE_V6 = Host('2001:db8:77::200', 'pc.office.example')

# May say with XCLIENT that a user logged in; no test of addresses or names uses it.
PROXY = Host('203.0.113.250', 'proxy.here.example')

# Where our own mail goes, by domain: an MX with an address of each family.
EXCHANGERS = {
    'gmail.com': (Host('2001:db8:e0::1', 'mx.gmail.com'), Host('203.0.113.241', 'mx.gmail.com')),
    'other.example': (Host('2001:db8:e0::2', 'mx.other.example'), Host('203.0.113.242', 'mx.other.example')),
}

# Clients of both families for tests with many at once, each IPv6 one in its own /64.
CROWD = [
    *(Host(f'198.51.100.{150 + n}', f'out-{n}.crowd.example') for n in range(3)),
    *(Host(f'2001:db8:c0:{n}::1', f'out-6{n}.crowd.example') for n in range(3)),
]

ALL = [
    *MX.values(),
    MAIL_V4, MAIL_V4_SAME_24, MAIL_V4_OTHER_24, MAIL_V6, MAIL_V6_SAME_64, MAIL_V6_OTHER_64,
    GOOGLE_1, GOOGLE_2, GOOGLE_3, LOOKALIKE, UNCONFIRMED, CONTRADICTED,
    ISP_1, ISP_2, ISP_3, NOT_ISP, BIG_1, BIG_2, BIG_3, BIG_4, NOT_BIG,
    NAMELESS, OTHERS_NAME, NAME_WITHOUT_ADDRESS, SECOND_NAME, BROKEN_PTR, BROKEN_NAME, NAMELESS_V4, OTHERS_NAME_V4,
    FORWARDER,
    OFFICE_V4, OFFICE_V6, PROXY, *CROWD,
    *(host for pair in EXCHANGERS.values() for host in pair),
]
