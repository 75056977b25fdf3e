#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the certificates of the tests with certtool, in the folder named:
NAME.pem holds a leaf, what stands between it and the root, and the key;
ca.pem is whom the tests trust. matrix.txt says what becomes of each.

Nothing is made when certtool is not there; the tests then say that they skip.
"""
import os
import shutil
import subprocess
import sys
import tempfile

ALWAYS = ('activation_date = "2020-01-01 00:00:00 UTC"\n'
          'expiration_date = "2120-01-01 00:00:00 UTC"\n')
PAST = ('activation_date = "2001-01-01 00:00:00 UTC"\n'
        'expiration_date = "2002-01-01 00:00:00 UTC"\n')
FUTURE = ('activation_date = "2110-01-01 00:00:00 UTC"\n'
          'expiration_date = "2120-01-01 00:00:00 UTC"\n')
SERVER = 'tls_www_server\nsigning_key\n'
CLIENT = 'tls_www_client\nsigning_key\n'
AUTHORITY = 'ca\ncert_signing_key\n'
ELLIPTIC = ['--key-type', 'ecdsa', '--curve', 'secp256r1']
RSA = ['--key-type', 'rsa', '--bits']
# A subjectAltName whose DNS name goes on behind a NUL.
NUL = b'mail.test\0.evil.test'
NUL_SAN = bytes([0x30, len(NUL) + 2, 0x82, len(NUL)]) + NUL


def dns(*names):
    return SERVER + ''.join(f'dns_name = "{each}"\n' for each in names)


# Each: its template, and what differs from a leaf that "ca" signs.
CERTIFICATES = {
    'ca': {'template': AUTHORITY, 'by': None},
    'other-ca': {'template': AUTHORITY, 'by': None},
    'middle': {'template': AUTHORITY + 'path_len = 0\n'},
    'old-middle': {'template': AUTHORITY, 'dates': PAST},
    'good': {'template': dns('mail.test')},
    'any-purpose': {'template': 'signing_key\ndns_name = "mail.test"\n'},
    'many': {'template': dns('a.test', 'b.test', 'mail.test')},
    'rsa': {'template': dns('mail.test'), 'key': RSA + ['2048']},
    'chain': {'template': dns('mail.test'), 'by': 'middle'},
    'chain-expired': {'template': dns('mail.test'), 'by': 'old-middle'},
    'chain-cut': {'template': dns('mail.test'), 'by': 'middle',
                  'alone': True},
    'not-ca': {'template': dns('mail.test'), 'by': 'good'},
    'wrong-name': {'template': dns('www.example.test')},
    'wildcard': {'template': dns('*.mail.test')},
    'wildcard-part': {'template': dns('f*.mail.test')},
    'wildcard-tail': {'template': dns('*f.mail.test')},
    'wildcard-inner': {'template': dns('a.*.test')},
    'wildcard-top': {'template': dns('*.test')},
    'wildcard-all': {'template': dns('*')},
    'cn-only': {'template': 'cn = "mail.test"\n' + SERVER},
    'cn-address': {'template': 'cn = "127.0.0.1"\n' + SERVER},
    'uri-only': {'template': 'cn = "mail.test"\n'
                             'uri = "https://mail.test/"\n' + SERVER},
    'email-only': {'template': 'cn = "mail.test"\n'
                               'email = "mail.test@mail.test"\n' + SERVER},
    'nul': {'template': 'cn = "mail.test"\n'
                        f'add_extension = "2.5.29.17 0x{NUL_SAN.hex()}"\n'
                        + SERVER},
    'expired': {'template': dns('mail.test'), 'dates': PAST},
    'future': {'template': dns('mail.test'), 'dates': FUTURE},
    'self-signed': {'template': dns('mail.test'), 'by': None},
    'unknown-ca': {'template': dns('mail.test'), 'by': 'other-ca'},
    'client-only': {'template': CLIENT + 'dns_name = "mail.test"\n'},
    'idn': {'template': dns('xn--bcher-kva.test')},
    'idn-wildcard': {'template': dns('*.xn--bcher-kva.test')},
    'ip': {'template': SERVER + 'ip_address = "127.0.0.1"\n'},
    'ip6': {'template': SERVER + 'ip_address = "::1"\n'},
    'ip-as-name': {'template': dns('127.0.0.1')},
    'weak-key': {'template': dns('mail.test'), 'key': RSA + ['1024']},
    'weak-hash': {'template': dns('mail.test'), 'hash': 'SHA1'},
    'client': {'template': CLIENT + 'cn = "a client"\n'},
    'client-unknown': {'template': CLIENT, 'by': 'other-ca'},
    'client-expired': {'template': CLIENT, 'dates': PAST},
}


def certtool(*arguments):
    told = subprocess.run(['certtool', *arguments], capture_output=True,
                          text=True, check=False)
    if told.returncode != 0:
        sys.exit(f'certtool {" ".join(arguments)}:\n{told.stderr}')


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


class Maker:
    """A folder of certificates and keys in the making."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = {}

    def at(self, name, ending):
        return os.path.join(self.folder, name + ending)

    def key(self, name, kind):
        """Keys take the time: leaves of one kind share theirs."""
        use = '+'.join(kind)
        if name.endswith(('ca', 'middle')):
            use = name
        if use not in self.keys:
            self.keys[use] = self.at(use, '.key')
            certtool('--generate-privkey', '--no-text', *kind,
                     '--outfile', self.keys[use])
        return self.keys[use]

    def make(self, name, how):
        by = how.get('by', 'ca')
        key = self.key(name, how.get('key', ELLIPTIC))
        template = how['template']
        if 'cn = ' not in template:
            template = f'cn = "thrum test {name}"\n' + template
        with open(self.at(name, '.tmpl'), 'w', encoding='ascii') as file:
            file.write(how.get('dates', ALWAYS) + template)
        signer = ['--generate-self-signed'] if by is None else [
            '--generate-certificate',
            '--load-ca-certificate', self.at(by, '.crt'),
            '--load-ca-privkey', self.at(by, '.sign')]
        certtool(*signer, '--no-text', '--load-privkey', key,
                 '--hash', how.get('hash', 'SHA256'),
                 '--template', self.at(name, '.tmpl'),
                 '--outfile', self.at(name, '.crt'))
        shutil.copy(key, self.at(name, '.sign'))

    def bundle(self, name, how):
        """The leaf and those between it and a root, then the key."""
        text = read(self.at(name, '.crt'))
        by = how.get('by', 'ca')
        while by not in (None, 'ca', 'other-ca') and not how.get('alone'):
            text += read(self.at(by, '.crt'))
            by = CERTIFICATES[by].get('by', 'ca')
        return text + read(self.at(name, '.sign'))


def main(target):
    if shutil.which('certtool') is None:
        return
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as made:
        maker = Maker(made)
        for name, how in CERTIFICATES.items():
            maker.make(name, how)
        done = os.path.join(made, 'done')
        os.mkdir(done)
        for name, how in CERTIFICATES.items():
            with open(os.path.join(done, name + '.pem'), 'w',
                      encoding='ascii') as file:
                file.write(read(maker.at(name, '.crt')) if name == 'ca'
                           else maker.bundle(name, how))
        shutil.rmtree(target, ignore_errors=True)
        os.rename(done, target)


if __name__ == '__main__':
    main(os.path.abspath(sys.argv[1]))
