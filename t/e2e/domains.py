# SPDX-License-Identifier: BSD-2-Clause
"""The senders' domains of the tests: the TXT records of each.  hosts.py has the addresses."""

ALL = {
    # What SPF says of mail from MAIL_V4 and MAIL_V6, by the name of the domain.
    'pass.example': ['v=spf1 ip4:192.0.2.10 ip6:2001:db8:10:1::/64 -all'],
    'neutral.example': ['v=spf1 ?all'],
    'softfail.example': ['v=spf1 ip4:203.0.113.77 ~all'],
    'fail.example': ['v=spf1 ip4:203.0.113.77 ip6:2001:db8:77::/48 -all', 'a text about something else'],
    'permerror.example': ['v=spf1 ip4:192.0.2.10 nonsense -all'],

    # A sender with several networks that nobody has listed as a farm, and one that lets everybody send.
    'roaming.example': ['v=spf1 ip4:192.0.2.10 include:_more.roaming.example -all'],
    '_more.roaming.example': ['v=spf1 ip4:198.51.100.10 ip6:2001:db8:10:2::/64 ~all'],
    'open.example': ['v=spf1 +all'],

    # A big provider, known by its SPF record.
    '_spf.big.example': ['v=spf1 include:_v4.big.example include:_v6.big.example a:mail-3.big.example ~all'],
    '_v4.big.example': ['v=spf1 ip4:192.0.2.200/30 ip4:198.51.100.200/30 -all'],
    '_v6.big.example': ['v=spf1 ip6:2001:db8:b16::/48 -all'],
}

# DNS cannot tell anything about these; about temperror.example, no SPF either.
BROKEN = ['broken.example', 'temperror.example']
