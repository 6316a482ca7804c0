# SPDX-License-Identifier: BSD-2-Clause
"""Mail over IPv6 as the gate sees it: what smtpd asks about a message from a host that it knows no name of."""

import itertools

from policy import new_recipient

HOST = '2001:db8::1'
HOST_V4 = '192.0.2.1'

_numbers = itertools.count(1)


def new_instance():
    """What smtpd calls a message that it has not asked about."""
    return f'instance.{next(_numbers)}'


def mail(**attributes):
    """The attributes of a request about a message and a recipient of its own."""
    return {'client_address': HOST, 'client_name': 'unknown', 'reverse_client_name': 'unknown',
            'helo_name': 'mail.sender.example', 'sender': 'someone@sender.example',
            'recipient': new_recipient(), 'instance': new_instance(), **attributes}


def named_mail(**attributes):
    """The same from a host whose name smtpd has confirmed."""
    return mail(client_name='mail.sender.example', **attributes)
