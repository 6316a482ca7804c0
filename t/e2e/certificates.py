# SPDX-License-Identifier: BSD-2-Clause
"""Certificates for the tests: a small authority, and what it or nobody vouches for."""

import subprocess
from pathlib import Path

DIRECTORY = Path('/run/certificates-e2e')

AUTHORITY = DIRECTORY / 'authority.pem'
MX = DIRECTORY / 'mx.pem'
VERIFIED_CLIENT = DIRECTORY / 'verified-client.pem'
SELF_SIGNED_CLIENT = DIRECTORY / 'self-signed-client.pem'


def make_certificates():
    DIRECTORY.mkdir(mode=0o700)
    make_certificate(AUTHORITY, 'Authority')
    make_certificate(MX, 'mx.here.example', issuer=AUTHORITY)
    make_certificate(VERIFIED_CLIENT, 'Verified client', issuer=AUTHORITY)
    make_certificate(SELF_SIGNED_CLIENT, 'Self-signed client')


def make_certificate(path, subject, issuer=None):
    """path gets the key and the certificate."""
    issued_by = ['-CA', issuer, '-CAkey', issuer] if issuer else []
    subprocess.run(['openssl', 'req', '-x509', *issued_by, '-subj', f'/CN={subject}', '-days', '2', '-nodes',
                    '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', path, '-out', path],
                   check=True, stderr=subprocess.DEVNULL)
