/* SPDX-License-Identifier: MIT */
/*
 * What a refusal means for what is done next. The reply's code says whether it
 * is for good, since an enhanced code may be anybody's guess (RFC 3463); the
 * enhanced code says why, where it is of the same class; and where there is
 * none, or one that says nothing, code and stage have to do.
 *
 * The rows are read in order and the first that fits decides. When in doubt
 * they spare the recipient: an address that is struck off a list for a fault of
 * the message never comes back.
 */
#include <stdbool.h>
#include <string.h>

#include <thrum/receipt.h>

enum { ANY = -1 };

/* Stages, as bits. */
enum {
    STAGE_MAIL = 1 << THRUM_SMTP_STAGE_MAIL,
    STAGE_RCPT = 1 << THRUM_SMTP_STAGE_RCPT,
    STAGE_TEXT = 1 << THRUM_SMTP_STAGE_DATA | 1 << THRUM_SMTP_STAGE_BODY,
    STAGE_ENVELOPE = STAGE_MAIL | STAGE_RCPT | STAGE_TEXT,
    STAGE_WHOM = STAGE_RCPT | STAGE_TEXT, /* where it may be the recipient */
    STAGE_AUTH = 1 << THRUM_SMTP_STAGE_AUTH,
    STAGE_GREETING = 1 << THRUM_SMTP_STAGE_GREETING |
                     1 << THRUM_SMTP_STAGE_EHLO | 1 << THRUM_SMTP_STAGE_HELO,
    STAGE_ALL = (1 << (THRUM_SMTP_STAGE_AUTH + 1)) - 1
};

typedef struct verdict_row {
    int code; /* 53: all of 53z */
    int subject;
    int detail;
    unsigned stages;
    thrum_smtp_verdict verdict;
} verdict_row;

/* RFC 3463, RFC 5248 and its registry, RFC 7504, RFC 7505, RFC 7293. */
static const verdict_row verdict_permanent[] = {
    {53, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_ACCOUNT},
    {ANY, ANY, ANY, STAGE_AUTH, THRUM_SMTP_VERDICT_ACCOUNT},
    {521, ANY, ANY, STAGE_GREETING, THRUM_SMTP_VERDICT_ACCOUNT},
    {ANY, ANY, ANY, ~(unsigned)STAGE_ENVELOPE, THRUM_SMTP_VERDICT_LATER},
    {556, ANY, ANY, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    /* addresses: 7, 8 and 9 are the sender's */
    {ANY, 1, 7, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    {ANY, 1, 8, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    {ANY, 1, 9, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    {ANY, 1, 0, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, 1, 0, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    {ANY, 1, ANY, STAGE_WHOM, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, 1, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    /* mailboxes */
    {ANY, 2, 1, STAGE_WHOM, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, 2, 2, STAGE_WHOM, THRUM_SMTP_VERDICT_MAILBOX},
    {ANY, 2, 0, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, 2, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    /* the system; routes, where Microsoft says 5.4.1 of nobody */
    {ANY, 3, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    {ANY, 4, 1, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, 4, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    /* the protocol: 3 is too many recipients; 0 is said of anything */
    {ANY, 5, 3, STAGE_ALL, THRUM_SMTP_VERDICT_LATER},
    {ANY, 5, 1, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {ANY, 5, 2, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {ANY, 5, 4, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {ANY, 5, 5, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {ANY, 5, 6, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    /* contents; policy, where 8 and 9 are who logged in, 17 and 18 a mailbox
     * and a domain of somebody else by now */
    {ANY, 6, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    {ANY, 7, 8, STAGE_ALL, THRUM_SMTP_VERDICT_ACCOUNT},
    {ANY, 7, 9, STAGE_ALL, THRUM_SMTP_VERDICT_ACCOUNT},
    {ANY, 7, 17, STAGE_WHOM, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, 7, 18, STAGE_WHOM, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, 7, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
    /* no enhanced code, or one that says nothing */
    {500, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {501, ANY, ANY, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    {501, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {502, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {503, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {504, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {555, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_OURS},
    {550, ANY, ANY, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    {551, ANY, ANY, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    {552, ANY, ANY, STAGE_RCPT, THRUM_SMTP_VERDICT_MAILBOX},
    {553, ANY, ANY, STAGE_RCPT, THRUM_SMTP_VERDICT_RECIPIENT},
    {ANY, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_MESSAGE},
};

/* Greylisting says 4.7.1 or 450 4.2.0 (RFC 6647 section 4.1.1.1), and rates
 * are 4.7 too, or 4.2.1. */
static const verdict_row verdict_passing[] = {
    {421, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_BUSY},
    {ANY, ANY, ANY, STAGE_AUTH, THRUM_SMTP_VERDICT_LATER},
    {ANY, 2, 2, STAGE_WHOM, THRUM_SMTP_VERDICT_MAILBOX},
    {450, 2, 0, STAGE_ALL, THRUM_SMTP_VERDICT_BUSY},
    {ANY, 2, 1, STAGE_ALL, THRUM_SMTP_VERDICT_BUSY},
    {ANY, 4, 5, STAGE_ALL, THRUM_SMTP_VERDICT_BUSY},
    {ANY, 7, ANY, STAGE_ENVELOPE | STAGE_GREETING, THRUM_SMTP_VERDICT_BUSY},
    {ANY, ANY, ANY, STAGE_ALL, THRUM_SMTP_VERDICT_LATER},
};

/* A reply's reasons. */
typedef struct verdict_reply {
    int code;
    int subject; /* ANY: there is no enhanced code */
    int detail;
    unsigned stage;
} verdict_reply;

static int verdict_number(const char **at)
{
    int number = 0;

    while (**at >= '0' && **at <= '9' && number < 1000)
        number = 10 * number + (*(*at)++ - '0');
    if (**at == '.')
        ++*at;
    return number;
}

static void verdict_read(verdict_reply *reply, const char *enhanced)
{
    const char *at = enhanced;

    if (verdict_number(&at) != reply->code / 100)
        return;
    reply->subject = verdict_number(&at);
    reply->detail = verdict_number(&at);
    if (reply->subject == 0)
        reply->subject = ANY;
}

static bool verdict_fits(const verdict_row *row, const verdict_reply *reply)
{
    return (row->code == ANY || row->code == reply->code ||
            row->code == reply->code / 10) &&
           (row->subject == ANY ||
            (row->subject == reply->subject &&
             (row->detail == ANY || row->detail == reply->detail))) &&
           (row->stages & reply->stage) != 0;
}

thrum_smtp_verdict thrum_smtp_verdict_of(thrum_smtp_stage stage, int code,
                                         const char *enhanced)
{
    bool known = (unsigned)stage <= THRUM_SMTP_STAGE_AUTH;
    verdict_reply reply = {code, ANY, ANY, known ? 1U << stage : 0};
    const verdict_row *row = code >= 500 ? verdict_permanent : verdict_passing;

    if (code < 400 || !known)
        return THRUM_SMTP_VERDICT_LATER;
    verdict_read(&reply, enhanced != NULL ? enhanced : "");
    while (!verdict_fits(row, &reply))
        row++;
    return row->verdict;
}

const char *thrum_smtp_verdict_name(thrum_smtp_verdict verdict)
{
    static const char *const names[] = {
        [THRUM_SMTP_VERDICT_LATER] = "later",
        [THRUM_SMTP_VERDICT_BUSY] = "busy",
        [THRUM_SMTP_VERDICT_MAILBOX] = "mailbox",
        [THRUM_SMTP_VERDICT_RECIPIENT] = "recipient",
        [THRUM_SMTP_VERDICT_MESSAGE] = "message",
        [THRUM_SMTP_VERDICT_ACCOUNT] = "account",
        [THRUM_SMTP_VERDICT_OURS] = "ours",
        [THRUM_SMTP_VERDICT_DOUBT] = "doubt",
    };
    size_t index = (size_t)verdict;

    return index < sizeof names / sizeof *names ? names[index] : "";
}
