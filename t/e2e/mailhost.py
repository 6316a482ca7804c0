# SPDX-License-Identifier: BSD-2-Clause
"""The mail host: Debian's Postfix as Debian ships it, smtpd chrooted, asking Sixgate for every recipient."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import certificates
from hosts import MX
from poll import wait_until

CONFIG = Path('/etc/postfix')
QUEUE = Path('/var/spool/postfix')
MAILBOXES = Path('/var/spool/mailboxes')
LOG = Path('/var/log/mail.log')

DOMAIN = 'here.example'
USERS = ['alice', 'bob', 'carol', 'postmaster', 'abuse']
MAILBOX_UID = 5000

# The smtpd_recipient_restrictions are the README's.  Delivery is into one maildir per user; no mail leaves.
MAIN_CF = f'''
compatibility_level = 3.6
myhostname = mx.{DOMAIN}
mydomain = {DOMAIN}
mydestination =
mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = all
inet_protocols = all
maillog_file = {LOG}
smtpd_recipient_restrictions = permit_mynetworks,
    reject_unauth_destination,
    reject_unlisted_recipient,
    check_policy_service {{ unix:sixgate/policy, timeout=100s, default_action=DUNNO }}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {certificates.MX}
smtpd_tls_CAfile = {certificates.AUTHORITY}
smtpd_tls_ask_ccert = yes
smtpd_authorized_xclient_hosts = 203.0.113.250
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = texthash:{CONFIG}/mailboxes
virtual_mailbox_base = {MAILBOXES}
virtual_uid_maps = static:{MAILBOX_UID}
virtual_gid_maps = static:{MAILBOX_UID}
alias_maps =
alias_database =
default_transport = error:no mail leaves the tests
'''


class Mailhost:
    def __init__(self, users=USERS):
        self._users = users
        self._master = None

    def start(self):
        self._configure()
        subprocess.run(['postfix', 'check'], check=True)
        subprocess.run(['/usr/lib/postfix/configure-instance.sh'], check=True)
        self._master = subprocess.Popen(['postfix', 'start-fg'])
        for host in MX.values():
            wait_until(f'Postfix greets on {host.address}', lambda: self._greets(host.address))

    def stop(self):
        self._master.terminate()
        self._master.wait(timeout=30)

    def reload(self):
        subprocess.run(['postfix', 'reload'], check=True)

    def log_size(self):
        """A point in the log, for log_since()."""
        return LOG.stat().st_size if LOG.exists() else 0

    def log_since(self, size):
        with LOG.open(errors='backslashreplace') as log:
            log.seek(size)
            return log.read()

    def setting(self, *postconf_arguments):
        return subprocess.run(['postconf', *postconf_arguments], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def roots(self, program='smtpd'):
        """The root directories of this program's processes."""
        roots = []
        for process in Path('/proc').glob('[0-9]*'):
            try:
                if (process / 'comm').read_text().strip() == program:
                    roots.append(os.readlink(process / 'root'))
            except FileNotFoundError:
                continue  # it ended meanwhile
        return roots

    def messages(self, recipient, token):
        """The delivered messages that contain the token."""
        mailbox = MAILBOXES / recipient.partition('@')[0] / 'new'
        texts = [path.read_text() for path in mailbox.glob('*')] if mailbox.is_dir() else []
        return [text for text in texts if token in text]

    def wait_for_message(self, recipient, token):
        return wait_until(f'{recipient} has the message {token}',
                          lambda: self.messages(recipient, token))[0]

    def _configure(self):
        CONFIG.mkdir(exist_ok=True)
        certificates.make_certificates()
        shutil.copy('/usr/share/postfix/master.cf.dist', CONFIG / 'master.cf')
        (CONFIG / 'main.cf').write_text(MAIN_CF)
        (CONFIG / 'mailboxes').write_text(''.join(f'{user}@{DOMAIN} {user}/\n' for user in self._users))
        MAILBOXES.mkdir()
        os.chown(MAILBOXES, MAILBOX_UID, MAILBOX_UID)

    def _greets(self, address):
        if self._master.poll() is not None:
            raise AssertionError('Postfix ended: ' + (self.log_since(0) if LOG.exists() else 'no log'))
        try:
            with socket.create_connection((address, 25), timeout=30) as connection:
                return connection.recv(4) == b'220 '
        except OSError:
            return False
