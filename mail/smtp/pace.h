/* SPDX-License-Identifier: MIT */
/*
 * How far the sessions of a client run ahead of the server's replies. RFC 2920
 * lets the next envelope follow on a message that has not been answered, and
 * there are servers that die of it: Dovecot's submission of 2.3.19 ends in an
 * assertion, when it has delivered the message. So trust is earned: until the
 * server has answered a message behind which more was on its way, one
 * connection finds out, and on others nothing follows on a message.
 */
#ifndef THRUM_MAIL_SMTP_PACE_H
#define THRUM_MAIL_SMTP_PACE_H

#include <stdbool.h>

#include <thrum/smtp.h>

typedef struct thrum__smtp_pace {
    thrum_smtp_mode most; /* of the config, or less since something broke */
    bool proven;          /* it answered a message with more behind it */
    bool trying;          /* a connection finds out */
    unsigned broken;      /* connections in a row, since it last answered so */
} thrum__smtp_pace;

void thrum__smtp_pace_init(thrum__smtp_pace *pace, thrum_smtp_mode most);

typedef enum thrum__smtp_role {
    THRUM__PACE_FREE,  /* its mode is `most` */
    THRUM__PACE_TRIES, /* the same, and it finds out: thrum__smtp_pace_tried */
    THRUM__PACE_HELD   /* nothing follows on a message, until it is proven */
} thrum__smtp_role;

/* A connection begins. */
thrum__smtp_role thrum__smtp_pace_begin(thrum__smtp_pace *pace);

/* That connection has ended. */
void thrum__smtp_pace_tried(thrum__smtp_pace *pace);

/* A message was answered while more was on its way behind it. Returns whether
 * that proves it, so that those that are held may go on. */
static inline bool thrum__smtp_pace_answered(thrum__smtp_pace *pace)
{
    bool news = !pace->proven;

    pace->proven = true;
    pace->broken = 0;
    return news;
}

/* A connection was lost with a message unanswered behind which more was on its
 * way: for the first time, or several times in a row, that is no accident. */
void thrum__smtp_pace_broke(thrum__smtp_pace *pace);

/* A server's replies were out of step: it is asked one thing at a time from now
 * on. */
void thrum__smtp_pace_confused(thrum__smtp_pace *pace);

#endif
