/* SPDX-License-Identifier: MIT */
/*
 * Setters check what they are given and keep it as it is.
 */
#include "mail/address.h"
#include "mail/dsn.h"
#include "mail/header.h"
#include "mail/message_struct.h"
#include "mail/text.h"

/* An ordinary message: in one block with what it is made from. */
typedef struct message_block {
    thrum_message message;
    thrum__draft draft;
    thrum__dsn dsn;
    thrum__value values[THRUM__DRAFT_TEXTS];
} message_block;

thrum_message *thrum_message_new(thrum_context *context)
{
    message_block *block =
        context == NULL ? NULL : thrum_context_allocate(context, sizeof *block);

    if (block == NULL)
        return NULL;
    memset(block, 0, sizeof *block);
    block->message.context = thrum_context_ref(context);
    block->message.draft = &block->draft;
    block->message.values = block->values;
    block->message.second = thrum__stamp_now();
    thrum__draft_init(&block->draft, context);
    return &block->message;
}

void thrum__message_forget(thrum_message *message)
{
    thrum__program_free(message->program);
    thrum_failure_unref(message->unready);
    message->program = NULL;
    message->unready = NULL;
    message->size = 0;
}

void thrum_message_free(thrum_message *message)
{
    thrum_context *context;

    if (message == NULL)
        return;
    context = message->context;
    thrum_failure_unref(message->failure);
    if (message->letter != NULL) {
        thrum_template *letter = message->letter;

        thrum_context_release(context, message);
        thrum_template_unref(letter);
        return;
    }
    thrum__message_forget(message);
    thrum__draft_fini(message->draft, context);
    thrum_context_release(context, (char *)message->id.data);
    thrum_context_release(context, message);
    thrum_context_unref(context);
}

/* Keeps what was wrong first; answers its code. Ownership: why taken. */
static int message_fail(thrum_message *message, thrum_failure *why)
{
    int code = thrum_failure_code(why);

    if (message->failure == NULL)
        message->failure = why;
    else
        thrum_failure_unref(why);
    return code;
}

static int message_wrong(thrum_message *message, int code, const char *part,
                         const char *wrong)
{
    return message_fail(message,
                        thrum_failure_new(message->context, &thrum_domain_mail,
                                          code, "%s: %s", part, wrong));
}

static int message_no_memory(thrum_message *message)
{
    return message_fail(message, thrum_failure_no_memory());
}

static bool message_has_draft(const thrum_message *message)
{
    return message != NULL && message->draft != NULL;
}

/* Whether it may be changed: 0, or an error. */
static int message_open(thrum_message *message)
{
    if (message == NULL)
        return THRUM_E_NOMEM;
    if (!message_has_draft(message))
        return message_fail(
            message, thrum_failure_new(
                         message->context, &thrum_domain_base, THRUM_E_INVALID,
                         "a message made from a template stays as it is"));
    thrum__message_forget(message);
    return 0;
}

static int message_keep(thrum_message *message, char **where, thrum_bytes text)
{
    char *copy = thrum_context_copy(message->context, text.data, text.size);

    if (copy == NULL)
        return message_no_memory(message);
    thrum_context_release(message->context, *where);
    *where = copy;
    return 0;
}

/* What is wrong with one line of a header or the envelope. */
static int message_check_line(thrum_message *message, int code,
                              const char *part, thrum_bytes line)
{
    const char *wrong = thrum__text_line(line);
    char words[64] = "it has ";

    if (line.size > THRUM__HEADER_MOST)
        return message_wrong(message, THRUM_MAIL_E_TOO_LONG, part,
                             "it has more than 8192 octets");
    if (wrong == NULL)
        return 0;
    strncat(words, wrong, sizeof words - 8);
    return message_wrong(message, code, part, words);
}

static int message_no_address(thrum_message *message, const char *part,
                              const char *wrong)
{
    return message_fail(message,
                        thrum__address_wrong(message->context, part, wrong));
}

/* An address that may have slots, which only a template can look into: what is
 * wrong with it in any case, or NULL. */
static const char *message_read_address(thrum_bytes text, thrum__addr *addr)
{
    const char *wrong = thrum__addr_read(text, addr);

    return thrum__text_has_slot(text) ? NULL : wrong;
}

static int message_set_mailbox(thrum_message *message, char **where,
                               const char *part, const char *mailbox)
{
    thrum_bytes text = thrum__text_of(mailbox);
    thrum__mailbox box;
    thrum__addr addr;
    const char *wrong;
    int error = message_open(message);

    if (error == 0)
        error = message_check_line(message, THRUM_MAIL_E_ADDRESS, part, text);
    if (error != 0)
        return error;
    wrong = thrum__mailbox_split(text, &box);
    if (wrong == NULL)
        wrong = message_read_address(box.addr, &addr);
    if (wrong != NULL)
        return message_no_address(message, part, wrong);
    if (where == &message->draft->from)
        error = message_keep(message, &message->draft->from_addr, addr.text);
    return error != 0 ? error : message_keep(message, where, text);
}

int thrum_message_set_from(thrum_message *message, const char *mailbox)
{
    char **where = message_has_draft(message) ? &message->draft->from : NULL;

    return message_set_mailbox(message, where, "from", mailbox);
}

int thrum_message_set_reply_to(thrum_message *message, const char *mailbox)
{
    char **where =
        message_has_draft(message) ? &message->draft->reply_to : NULL;

    return message_set_mailbox(message, where, "reply-to", mailbox);
}

int thrum_message_set_envelope_from(thrum_message *message, const char *address)
{
    static const char part[] = "envelope from";
    thrum_bytes text = thrum__text_of(address);
    int error = message_open(message);
    thrum__addr addr = {.text = text};
    const char *wrong = NULL;

    if (error == 0)
        error = message_check_line(message, THRUM_MAIL_E_ADDRESS, part, text);
    if (error != 0)
        return error;
    if (text.size > 0)
        wrong = message_read_address(text, &addr);
    if (wrong != NULL)
        return message_no_address(message, part, wrong);
    error = message_keep(message, &message->draft->sender, addr.text);
    return error != 0
               ? error
               : message_keep(message, &message->draft->envelope_from, text);
}

/* What is wrong with an ENVID, as far as can be seen before its slots are
 * filled: 0, or an error. */
static int message_check_envid(thrum_message *message, thrum_bytes id)
{
    static const char part[] = "envelope id";
    int error = message_check_line(message, THRUM_MAIL_E_HEADER, part, id);
    const char *wrong = NULL;

    if (error == 0 && id.size > 0 && !thrum__text_has_slot(id))
        wrong = thrum__dsn_check_id(id);
    return wrong == NULL
               ? error
               : message_wrong(message, THRUM_MAIL_E_HEADER, part, wrong);
}

int thrum_message_set_dsn(thrum_message *message, const thrum_dsn *dsn)
{
    thrum_bytes id = thrum__text_of(dsn != NULL ? dsn->envelope_id : NULL);
    int error = message_open(message);
    message_block *block = (message_block *)(void *)message;

    if (error == 0 && dsn != NULL && !thrum__dsn_is_valid(dsn))
        return message_fail(
            message, thrum_failure_new(
                         message->context, &thrum_domain_base, THRUM_E_INVALID,
                         "dsn: its flags contradict each other, or are "
                         "none that there are"));
    if (error == 0)
        error = message_check_envid(message, id);
    if (error == 0)
        error = message_keep(message, &block->draft.envelope_id, id);
    if (error != 0)
        return error;
    message->dsn = NULL;
    if (dsn == NULL)
        return 0;
    block->dsn = (thrum__dsn){dsn->notify,
                              dsn->what,
                              {block->draft.envelope_id, id.size},
                              dsn->original != 0};
    message->dsn = &block->dsn;
    return 0;
}

int thrum_message_add_to(thrum_message *message, const char *mailbox)
{
    thrum_bytes text = thrum__text_of(mailbox);
    int error = message_open(message);
    const char *wrong;
    thrum__mailbox box;
    thrum__addr addr;
    thrum_address *to;

    if (error == 0)
        error = message_check_line(message, THRUM_MAIL_E_ADDRESS, "to", text);
    if (error != 0)
        return error;
    wrong = thrum__mailbox_read(text, &box, &addr);
    if (wrong != NULL)
        return message_no_address(message, "to", wrong);
    to = thrum_address_parse(message->context, mailbox, NULL);
    if (to == NULL)
        return message_no_memory(message);
    if (thrum_buffer_append(&message->draft->to, &to, sizeof to) != 0) {
        thrum_address_free(to);
        return message_no_memory(message);
    }
    return 0;
}

int thrum_message_set_subject(thrum_message *message, const char *subject)
{
    thrum_bytes text = thrum__text_of(subject);
    int error = message_open(message);

    if (error == 0)
        error =
            message_check_line(message, THRUM_MAIL_E_HEADER, "subject", text);
    if (error != 0)
        return error;
    return message_keep(message, &message->draft->subject, text);
}

static int message_keep_header(thrum_message *message, thrum_bytes name,
                               thrum_bytes value)
{
    thrum__header header = {NULL, NULL};
    int error = message_keep(message, &header.name, name);

    if (error == 0)
        error = message_keep(message, &header.value, value);
    if (error == 0 && thrum_buffer_append(&message->draft->headers, &header,
                                          sizeof header) != 0)
        error = message_no_memory(message);
    if (error != 0) {
        thrum_context_release(message->context, header.name);
        thrum_context_release(message->context, header.value);
    }
    return error;
}

int thrum_message_add_header(thrum_message *message, const char *name,
                             const char *value)
{
    char part[THRUM__HEADER_NAME_MOST + sizeof "header "] = "header ";
    thrum_bytes title = thrum__text_of(name), text = thrum__text_of(value);
    int error = message_open(message);
    const char *wrong;

    if (error != 0)
        return error;
    wrong = thrum__header_name(title);
    if (wrong != NULL)
        return message_wrong(message, THRUM_MAIL_E_HEADER, "header", wrong);
    memcpy(part + strlen(part), title.data, title.size + 1);
    error = message_check_line(message, THRUM_MAIL_E_HEADER, part, text);
    return error != 0 ? error : message_keep_header(message, title, text);
}

static int message_set_text(thrum_message *message, size_t which,
                            const char *part, thrum_bytes text)
{
    int error = message_open(message);
    const char *wrong;
    char words[64] = "it has ";

    if (error != 0)
        return error;
    wrong = thrum__text_lines(text);
    if (wrong != NULL) {
        strncat(words, wrong, sizeof words - 8);
        return message_wrong(message, THRUM_MAIL_E_TEXT, part, words);
    }
    error = message_keep(message, &message->draft->texts[which], text);
    if (error == 0)
        message->draft->sizes[which] = text.size;
    return error;
}

int thrum_message_set_text(thrum_message *message, const char *text,
                           size_t size)
{
    return message_set_text(message, THRUM__DRAFT_TEXT, "text",
                            (thrum_bytes){text, size});
}

int thrum_message_set_html(thrum_message *message, const char *html,
                           size_t size)
{
    return message_set_text(message, THRUM__DRAFT_HTML, "html",
                            (thrum_bytes){html, size});
}
