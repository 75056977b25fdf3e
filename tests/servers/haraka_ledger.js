// SPDX-License-Identifier: MIT
// A plugin of Haraka's that takes mail for anybody, and appends each message to
// the file that THRUM_LEDGER names, in the form of a sink's dump.
'use strict';
const fs = require('fs');
const out = fs.openSync(process.env.THRUM_LEDGER, 'a');

exports.hook_rcpt = (next, connection) => next(OK);

function keep(next, connection) {
    const { mail_from, rcpt_to, message_stream } = connection.transaction;
    message_stream.get_data(data => {
        fs.writeSync(out, JSON.stringify({
            from: mail_from.address,
            to: rcpt_to.map(each => each.address),
            body: data.toString('latin1'),
            tls: connection.tls.enabled,
            auth: connection.notes.auth_user
                ? connection.notes.auth_method : null,
        }) + '\n');
        next(OK);
    });
}

// Mail of those who logged in would leave this machine.
exports.hook_queue = keep;
exports.hook_queue_outbound = keep;
