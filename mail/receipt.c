/* SPDX-License-Identifier: MIT */
/*
 * A receipt is one block: the struct, a refusal (or NULL) for each recipient,
 * a mark for each, and the texts behind them.
 */
#include <string.h>

#include "mail/receipt_internal.h"
#include "mail/text.h"

struct thrum_receipt {
    thrum_context *context;
    const char *message_id;
    char *reply;
    size_t raw; /* bytes of the reply that are still as they came */
    int code;
    size_t recipients;
    bool has_refusals;
    thrum_failure *refusals[];
};

/* A failure's detail, and the texts that it points to. */
typedef struct receipt_detail {
    thrum_smtp_detail detail;
    char texts[];
} receipt_detail;

static const char *smtp_describe(int code)
{
    switch (code) {
#define SMTP_DESCRIBE(name, value, words)                                      \
    case value:                                                                \
        return words;
        THRUM_SMTP_ERRORS(SMTP_DESCRIBE)
#undef SMTP_DESCRIBE
    default:
        return NULL;
    }
}

const thrum_domain thrum_domain_smtp = {"smtp", smtp_describe};

const char *thrum_smtp_stage_name(thrum_smtp_stage stage)
{
    static const char *const names[] = {
        [THRUM_SMTP_STAGE_CONNECT] = "connecting",
        [THRUM_SMTP_STAGE_GREETING] = "greeting",
        [THRUM_SMTP_STAGE_EHLO] = "EHLO",
        [THRUM_SMTP_STAGE_HELO] = "HELO",
        [THRUM_SMTP_STAGE_MAIL] = "MAIL",
        [THRUM_SMTP_STAGE_RCPT] = "RCPT",
        [THRUM_SMTP_STAGE_DATA] = "DATA",
        [THRUM_SMTP_STAGE_BODY] = "the message",
        [THRUM_SMTP_STAGE_RSET] = "RSET",
        [THRUM_SMTP_STAGE_QUIT] = "QUIT",
        [THRUM_SMTP_STAGE_STARTTLS] = "STARTTLS",
        [THRUM_SMTP_STAGE_TLS] = "TLS",
        [THRUM_SMTP_STAGE_AUTH] = "AUTH",
    };
    size_t index = (size_t)stage;

    return index < sizeof names / sizeof *names ? names[index] : "";
}

static const char *receipt_copy(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = *at;

    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* What a failure means is in the server's words, where it has said something of
 * a message or an account. */
static thrum_smtp_verdict receipt_verdict(int code,
                                          const thrum_smtp_detail *detail)
{
    thrum_smtp_verdict given = detail->verdict;

    switch (code) {
    case THRUM_SMTP_E_DOUBT:
        return THRUM_SMTP_VERDICT_DOUBT;
    case THRUM_SMTP_E_OURS:
        return THRUM_SMTP_VERDICT_OURS;
    case THRUM_SMTP_E_ACCOUNT:
        if (detail->code == 0)
            return THRUM_SMTP_VERDICT_ACCOUNT;
        break;
    case THRUM_SMTP_E_REFUSED:
        if (detail->code == 0)
            return given != THRUM_SMTP_VERDICT_LATER
                       ? given
                       : THRUM_SMTP_VERDICT_MESSAGE;
        break;
    case THRUM_SMTP_E_LATER:
    case THRUM_SMTP_E_SERVICE:
        break;
    default:
        return given;
    }
    return detail->code == 0
               ? given
               : thrum_smtp_verdict_of(detail->stage, detail->code,
                                       detail->enhanced);
}

thrum_failure *thrum__smtp_failure(thrum_context *context, int code,
                                   const thrum_smtp_detail *detail,
                                   const char *text)
{
    thrum_failure *failure =
        thrum_failure_new(context, &thrum_domain_smtp, code, "%s", text);
    size_t texts = strlen(detail->enhanced) + strlen(detail->text) +
                   strlen(detail->peer) + 3;
    receipt_detail *own =
        thrum_failure_explain_room(failure, sizeof *own + texts);
    char *at;

    if (own == NULL)
        return failure;
    at = own->texts;
    own->detail.stage = detail->stage;
    own->detail.code = detail->code;
    own->detail.verdict = receipt_verdict(code, detail);
    own->detail.enhanced = receipt_copy(&at, detail->enhanced);
    own->detail.text = receipt_copy(&at, detail->text);
    own->detail.peer = receipt_copy(&at, detail->peer);
    return failure;
}

const thrum_smtp_detail *thrum_failure_smtp(const thrum_failure *failure)
{
    static const thrum_smtp_detail unknown = {.enhanced = "", "", ""};
    const thrum_smtp_detail *detail;

    if (thrum_failure_domain(failure) != &thrum_domain_smtp)
        return NULL;
    detail = thrum_failure_detail(failure, &thrum_domain_smtp);
    return detail != NULL ? detail : &unknown;
}

thrum_receipt *thrum__receipt_new(thrum_context *context,
                                  thrum_bytes message_id, size_t recipients)
{
    size_t refusals = recipients * sizeof(thrum_failure *);
    size_t marks_and_texts =
        recipients + THRUM__RECEIPT_REPLY + message_id.size + 1;
    thrum_receipt *receipt = thrum_context_allocate(
        context, sizeof *receipt + refusals + marks_and_texts);
    char *id;

    if (receipt == NULL)
        return NULL;
    receipt->context = thrum_context_ref(context);
    receipt->code = 0;
    receipt->raw = 0;
    receipt->recipients = recipients;
    receipt->has_refusals = false;
    memset(receipt->refusals, 0, refusals + recipients);
    receipt->reply = (char *)(receipt->refusals + recipients) + recipients;
    receipt->reply[0] = '\0';
    id = receipt->reply + THRUM__RECEIPT_REPLY;
    *thrum__text_copy(id, message_id.data, message_id.size) = '\0';
    receipt->message_id = id;
    return receipt;
}

void thrum_receipt_free(void *receipt)
{
    thrum_receipt *self = receipt;
    thrum_context *context;

    if (self == NULL)
        return;
    if (self->has_refusals)
        for (size_t i = 0; i < self->recipients; i++)
            thrum_failure_unref(self->refusals[i]);
    context = self->context;
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

unsigned char *thrum__receipt_marks(thrum_receipt *receipt)
{
    return (unsigned char *)(receipt->refusals + receipt->recipients);
}

void thrum__receipt_refuse(thrum_receipt *receipt, size_t index,
                           thrum_failure *why)
{
    thrum_failure_unref(receipt->refusals[index]);
    receipt->refusals[index] = why;
    receipt->has_refusals = true;
}

void thrum__receipt_accept(thrum_receipt *receipt, const thrum__reply *reply)
{
    size_t size = reply->text.size;

    if (size > THRUM__RECEIPT_REPLY - 1)
        size = THRUM__RECEIPT_REPLY - 1;
    memcpy(receipt->reply, reply->text.data, size);
    receipt->raw = size;
    receipt->code = reply->code;
}

const char *thrum_receipt_message_id(const thrum_receipt *receipt)
{
    return receipt->message_id;
}

int thrum_receipt_code(const thrum_receipt *receipt)
{
    return receipt->code;
}

/* The words take the place of what they are made of: they are never longer. */
const char *thrum_receipt_reply(const thrum_receipt *receipt)
{
    thrum_receipt *self = (thrum_receipt *)(uintptr_t)receipt;
    thrum__reply reply = {self->code, {self->reply, self->raw}};

    if (self->raw > 0)
        thrum__reply_words(&reply, self->reply, THRUM__RECEIPT_REPLY);
    self->raw = 0;
    return self->reply;
}

size_t thrum_receipt_recipients(const thrum_receipt *receipt)
{
    return receipt->recipients;
}

const thrum_failure *thrum_receipt_refusal(const thrum_receipt *receipt,
                                           size_t index)
{
    return index < receipt->recipients ? receipt->refusals[index] : NULL;
}
