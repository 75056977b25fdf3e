/* SPDX-License-Identifier: MIT */
/*
 * The words in which a session tells what went wrong: the peer and the stage
 * stand in each of them, the recipient in none, since whoever sent the message
 * knows whom it was for, and addresses do not belong in logs.
 */
#include <inttypes.h>
#include <stdio.h>

#include "mail/receipt_internal.h"
#include "mail/smtp/session_internal.h"

enum { FAILURE_TEXT = 1000 };

/* A reply as it may be shown. */
typedef struct failure_reply {
    char enhanced[THRUM__REPLY_ENHANCED];
    char words[THRUM__REPLY_WORDS];
    char line[THRUM__REPLY_WORDS + 32]; /* "550 5.1.1 no such user" */
} failure_reply;

/* A server that repeats a secret has its words left out. */
static void failure_show(const thrum_smtp_session *session,
                         failure_reply *shown, const thrum__reply *reply)
{
    thrum__reply_enhanced(reply, shown->enhanced);
    shown->words[0] = '\0';
    if (!thrum__session_repeats_secret(session, reply->text))
        thrum__reply_words(reply, shown->words, sizeof shown->words);
    snprintf(shown->line, sizeof shown->line, "%d%s%s%s%s", reply->code,
             shown->enhanced[0] != '\0' ? " " : "", shown->enhanced,
             shown->words[0] != '\0' ? " " : "", shown->words);
}

static thrum_failure *failure_of_reply(const thrum_smtp_session *session,
                                       int code, thrum_smtp_stage stage,
                                       const thrum__reply *reply,
                                       const failure_reply *shown,
                                       const char *text)
{
    thrum_smtp_detail detail = {.stage = stage,
                                .code = reply->code,
                                .enhanced = shown->enhanced,
                                .text = shown->words,
                                .peer = session->peer};

    return thrum__smtp_failure(session->context, code, &detail, text);
}

static thrum_failure *failure_of_silence(const thrum_smtp_session *session,
                                         int code, thrum_smtp_stage stage,
                                         const char *text)
{
    thrum_smtp_detail detail = {
        .stage = stage, .enhanced = "", .text = "", .peer = session->peer};

    return thrum__smtp_failure(session->context, code, &detail, text);
}

/* A refusal in an envelope or of a message: whose fault it is, and, when it is
 * neither the account's nor ours, whether it is for good. Too many recipients
 * in one transaction are not, whatever the code (RFC 5321 section
 * 4.5.3.1.10). */
static int failure_code(thrum_smtp_stage stage, const thrum__reply *reply,
                        const failure_reply *shown)
{
    switch (thrum_smtp_verdict_of(stage, reply->code, shown->enhanced)) {
    case THRUM_SMTP_VERDICT_OURS:
        return THRUM_SMTP_E_OURS;
    case THRUM_SMTP_VERDICT_ACCOUNT:
        return THRUM_SMTP_E_ACCOUNT;
    default:
        return reply->code < 500 || thrum__session_is_too_many(stage, reply)
                   ? THRUM_SMTP_E_LATER
                   : THRUM_SMTP_E_REFUSED;
    }
}

thrum_failure *thrum__session_refusal(const thrum_smtp_session *session,
                                      thrum_smtp_stage stage,
                                      const thrum__reply *reply)
{
    char text[FAILURE_TEXT];
    failure_reply shown;

    failure_show(session, &shown, reply);
    snprintf(text, sizeof text, "%s refused %s: %s", session->peer,
             thrum_smtp_stage_name(stage), shown.line);
    return failure_of_reply(session, failure_code(stage, reply, &shown), stage,
                            reply, &shown, text);
}

thrum_failure *thrum__session_no_service(const thrum_smtp_session *session,
                                         thrum_smtp_stage stage,
                                         const thrum__reply *reply)
{
    char text[FAILURE_TEXT];
    failure_reply shown;

    failure_show(session, &shown, reply);
    snprintf(text, sizeof text, "%s gives no service: %s", session->peer,
             shown.line);
    return failure_of_reply(session, THRUM_SMTP_E_SERVICE, stage, reply, &shown,
                            text);
}

thrum_failure *thrum__session_surprise(const thrum_smtp_session *session,
                                       thrum_smtp_stage stage,
                                       const thrum__reply *reply)
{
    char text[FAILURE_TEXT];
    failure_reply shown;

    failure_show(session, &shown, reply);
    snprintf(text, sizeof text,
             "%s does not keep to SMTP: it answered %s with %s", session->peer,
             thrum_smtp_stage_name(stage), shown.line);
    return failure_of_reply(session, THRUM_SMTP_E_PROTOCOL, stage, reply,
                            &shown, text);
}

thrum_failure *thrum__session_unasked(const thrum_smtp_session *session,
                                      thrum_smtp_stage stage,
                                      const thrum__reply *reply)
{
    char text[FAILURE_TEXT];
    failure_reply shown;

    failure_show(session, &shown, reply);
    snprintf(text, sizeof text,
             "%s does not keep to SMTP: it said without being asked: %s",
             session->peer, shown.line);
    return failure_of_reply(session, THRUM_SMTP_E_PROTOCOL, stage, reply,
                            &shown, text);
}

thrum_failure *thrum__session_not_smtp(const thrum_smtp_session *session,
                                       thrum_smtp_stage stage, const char *what)
{
    char text[FAILURE_TEXT];

    snprintf(text, sizeof text, "%s does not keep to SMTP at %s: %s",
             session->peer, thrum_smtp_stage_name(stage), what);
    return failure_of_silence(session, THRUM_SMTP_E_PROTOCOL, stage, text);
}

thrum_failure *thrum__session_silence(const thrum_smtp_session *session,
                                      thrum_smtp_stage stage)
{
    char text[FAILURE_TEXT];

    snprintf(text, sizeof text, "%s did not %s %s in time", session->peer,
             session->awaited > 0 ? "answer" : "take",
             thrum_smtp_stage_name(stage));
    return failure_of_silence(session, THRUM_SMTP_E_LATER, stage, text);
}

thrum_failure *thrum__session_contradiction(const thrum_smtp_session *session)
{
    char text[FAILURE_TEXT];

    snprintf(text, sizeof text,
             "%s took the message after it had refused a part of it; it may "
             "have been delivered",
             session->peer);
    return failure_of_silence(session, THRUM_SMTP_E_DOUBT,
                              THRUM_SMTP_STAGE_BODY, text);
}

thrum_failure *thrum__session_lacks(const thrum_smtp_session *session,
                                    const char *extension)
{
    char text[FAILURE_TEXT];

    snprintf(text, sizeof text, "%s does not offer %s, which the message needs",
             session->peer, extension);
    return failure_of_silence(session, THRUM_SMTP_E_REFUSED,
                              THRUM_SMTP_STAGE_MAIL, text);
}

thrum_failure *thrum__session_too_large(const thrum_smtp_session *session,
                                        uint64_t size)
{
    char text[FAILURE_TEXT];

    snprintf(text, sizeof text,
             "%s takes at most %" PRIu64
             " octets, and the message has %" PRIu64,
             session->peer, session->offers.size, size);
    return failure_of_silence(session, THRUM_SMTP_E_REFUSED,
                              THRUM_SMTP_STAGE_MAIL, text);
}

thrum_failure *thrum__session_cancelled(const thrum_smtp_session *session)
{
    char text[FAILURE_TEXT];

    snprintf(text, sizeof text, "given up before it was sent to %s",
             session->peer);
    return failure_of_silence(session, THRUM_SMTP_E_CANCELLED,
                              THRUM_SMTP_STAGE_MAIL, text);
}

thrum_failure *thrum__session_insecure(const thrum_smtp_session *session,
                                       thrum_smtp_stage stage, const char *what,
                                       const thrum__reply *reply)
{
    char text[FAILURE_TEXT];
    failure_reply shown;

    if (reply == NULL) {
        snprintf(text, sizeof text, "%s %s", session->peer, what);
        return failure_of_silence(session, THRUM_SMTP_E_SECURITY, stage, text);
    }
    failure_show(session, &shown, reply);
    snprintf(text, sizeof text, "%s %s: %s", session->peer, what, shown.line);
    return failure_of_reply(session, THRUM_SMTP_E_SECURITY, stage, reply,
                            &shown, text);
}

thrum_failure *thrum__session_no_account(const thrum_smtp_session *session,
                                         const thrum__reply *reply)
{
    bool later = reply->code < 500;
    char text[FAILURE_TEXT];
    failure_reply shown;

    failure_show(session, &shown, reply);
    snprintf(text, sizeof text, "%s refused %s: %s", session->peer,
             later ? "AUTH" : "the account", shown.line);
    return failure_of_reply(session,
                            later ? THRUM_SMTP_E_LATER : THRUM_SMTP_E_ACCOUNT,
                            THRUM_SMTP_STAGE_AUTH, reply, &shown, text);
}

thrum_failure *thrum__session_no_mechanism(const thrum_smtp_session *session)
{
    unsigned offered = session->offers.mechanisms;
    char text[FAILURE_TEXT];
    int size = snprintf(text, sizeof text,
                        "%s offers no way to log in that the account may use",
                        session->peer);

    for (unsigned bit = 1; bit <= offered && size < (int)sizeof text; bit <<= 1)
        if ((offered & bit) != 0)
            size +=
                snprintf(text + size, sizeof text - (size_t)size, "%s%s",
                         (offered & (bit - 1)) == 0 ? ", only " : " ",
                         thrum_smtp_mechanism_name((thrum_smtp_mechanism)bit));
    return failure_of_silence(session, THRUM_SMTP_E_ACCOUNT,
                              THRUM_SMTP_STAGE_AUTH, text);
}

thrum_failure *thrum__session_cut(const thrum_smtp_session *session,
                                  session_progress progress,
                                  const thrum_failure *why)
{
    static const struct {
        int code;
        thrum_smtp_stage stage;
        const char *format;
    } cuts[] = {
        [SESSION_ENVELOPE] = {THRUM_SMTP_E_UNSENT, THRUM_SMTP_STAGE_MAIL,
                              "the connection to %s ended before the message "
                              "was sent"},
        [SESSION_BODY] = {THRUM_SMTP_E_LATER, THRUM_SMTP_STAGE_BODY,
                          "the connection to %s ended in the middle of the "
                          "message"},
        [SESSION_DOT] = {THRUM_SMTP_E_DOUBT, THRUM_SMTP_STAGE_BODY,
                         "the message was sent to %s to its end and not "
                         "answered; it may have been delivered"},
    };
    char text[FAILURE_TEXT];
    thrum_failure *failure;

    snprintf(text, sizeof text, cuts[progress].format, session->peer);
    failure = failure_of_silence(session, cuts[progress].code,
                                 cuts[progress].stage, text);
    if (why != NULL)
        thrum_failure_because(failure, thrum_failure_ref(why));
    return failure;
}
