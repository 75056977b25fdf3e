// SPDX-License-Identifier: MIT
// smtp_server_peer.js MODULES PORT SECURE_PORT CERTIFICATE ACCOUNT FILE: npm's
// smtp-server on loopback, at the second port within TLS from the first byte
// on, that appends each message that it gets to FILE, in the form of a sink's
// dump, until SIGTERM. ACCOUNT is a file of JSON: who may log in, within TLS.
'use strict';
const fs = require('fs');
const { domainToASCII } = require('url');
const [modules, port, securePort, certificate, accountFile, file] =
    process.argv.slice(2);
const { SMTPServer } = require(modules + '/node_modules/smtp-server');

const account = JSON.parse(fs.readFileSync(accountFile));
const pem = fs.readFileSync(certificate);
const out = fs.openSync(file, 'a');

function knows(auth) {
    if (auth.username !== account.user)
        return false;
    if (auth.method === 'XOAUTH2')
        return auth.accessToken === account.token;
    if (auth.method === 'CRAM-MD5')
        return auth.validatePassword(account.password);
    return auth.password === account.password;
}

function onAuth(auth, session, done) {
    if (!knows(auth) && auth.method === 'XOAUTH2')
        return done(null, { data: { status: '401', schemes: 'bearer' } });
    if (!knows(auth))
        return done(new Error('who is that?'));
    session.mechanism = auth.method;
    done(null, { user: auth.username });
}

// smtp-server shows domains in Unicode, whatever was sent.
function asSent(address) {
    const at = address.lastIndexOf('@');
    const domain = address.slice(at + 1);
    return domain[0] === '[' ? address
        : address.slice(0, at + 1) + domainToASCII(domain);
}

function onData(stream, session, done) {
    const parts = [];
    stream.on('data', part => parts.push(part));
    stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        fs.writeSync(out, JSON.stringify({
            from: asSent(mailFrom.address),
            to: rcptTo.map(each => asSent(each.address)),
            body: Buffer.concat(parts).toString('latin1'),
            tls: session.secure,
            auth: session.mechanism || null,
        }) + '\n');
        done(null, 'recorded');
    });
}

function serve(at, secure) {
    new SMTPServer({
        secure, key: pem, cert: pem, name: 'smtp-server.example',
        authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'],
        authOptional: true, size: 64 << 20, disableReverseLookup: true,
        onAuth, onData,
    }).on('error', why => console.error(why.message)).listen(at, '127.0.0.1');
}

serve(Number(port), false);
serve(Number(securePort), true);
