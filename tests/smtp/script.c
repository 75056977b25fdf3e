/* SPDX-License-Identifier: MIT */
#include "tests/smtp/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/message_internal.h"
#include "tests/support/support.h"

enum { SCRIPT_BYTES = 1 << 18, SCRIPT_LARGE = 80 * 1000 };

thrum_message *script_letter(thrum_context *context, int number, int recipients)
{
    static const char text[] = "Hello\n.\n..dots\nbye\n";
    thrum_message *letter = thrum_message_new(context);
    char address[32];

    snprintf(address, sizeof address, "e%d@x", number);
    thrum_message_set_from(letter, address);
    for (int i = 0; i < recipients; i++) {
        snprintf(address, sizeof address, i == 0 ? "r%d@x" : "r%d%c@x", number,
                 'a' + i);
        thrum_message_add_to(letter, address);
    }
    thrum_message_set_subject(letter, "S");
    thrum_message_set_text(letter, text, sizeof text - 1);
    return letter;
}

/* Its text becomes so long that it takes several chunks. */
static void script_enlarge(thrum_message *letter)
{
    static char text[SCRIPT_LARGE];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 64 == 63 ? '\n' : '.';
    thrum_message_set_text(letter, text, sizeof text);
}

static void result_add(script_run *run, const char *text)
{
    size_t size = strlen(run->results);

    snprintf(run->results + size, sizeof run->results - size, "%s", text);
}

static const char *code_name(int code)
{
    switch (code) {
#define CODE_NAME(name, value, words)                                          \
    case value:                                                                \
        return #name;
        THRUM_SMTP_ERRORS(CODE_NAME)
        THRUM_ERRORS(CODE_NAME)
#undef CODE_NAME
    default:
        return "?";
    }
}

/* "REFUSED RCPT 550 5.1.1 no such user" */
static void result_failure(script_run *run, const thrum_failure *why)
{
    const thrum_smtp_detail *detail = thrum_failure_smtp(why);
    char text[600];

    result_add(run, code_name(thrum_failure_code(why)));
    if (detail == NULL || detail->code == 0)
        return;
    snprintf(text, sizeof text, " %s %d %s%s%s",
             thrum_smtp_stage_name(detail->stage), detail->code,
             detail->enhanced, detail->enhanced[0] != '\0' ? " " : "",
             detail->text);
    result_add(run, text);
}

static void result_receipt(script_run *run, const thrum_receipt *receipt)
{
    char text[300];

    snprintf(text, sizeof text, "accepted %d %s", thrum_receipt_code(receipt),
             thrum_receipt_reply(receipt));
    result_add(run, text);
    for (size_t i = 0; i < thrum_receipt_recipients(receipt); i++) {
        const thrum_failure *why = thrum_receipt_refusal(receipt, i);

        if (why != NULL) {
            snprintf(text, sizeof text, ", %c ", (int)('a' + i));
            result_add(run, text);
            result_failure(run, why);
        }
    }
}

static void script_sent(thrum_message *message, thrum_receipt *receipt,
                        thrum_failure *why, void *ctx)
{
    script_run *run = ctx;
    char number[16];
    int at = 1;

    while (at <= run->given && run->letters[at] != message)
        at++;
    ck_assert_int_le(at, run->given); /* one of ours, and only once */
    run->letters[at] = NULL;
    run->ended++;
    ck_assert((receipt == NULL) != (why == NULL));
    snprintf(number, sizeof number, "%d ", at);
    result_add(run, number);
    if (receipt != NULL)
        result_receipt(run, receipt);
    else
        result_failure(run, why);
    result_add(run, "; ");
    thrum_message_free(message);
    thrum_receipt_free(receipt);
    thrum_failure_unref(why);
}

bool script_begin(script_run *run, const script *table)
{
    thrum_smtp_session_config config = {.helo = "me",
                                        .peer = "mx:25",
                                        .mode = table->mode,
                                        .limits = table->limits,
                                        .window = table->window,
                                        .tls = table->tls};

    memset(run, 0, sizeof *run);
    run->script = table;
    run->enough = SIZE_MAX;
    run->context = support_context();
    if (run->context == NULL)
        return false;
    thrum_buffer_init(&run->sent, run->context, SCRIPT_BYTES);
    run->session = thrum_smtp_session_new(run->context, &config, run->now);
    return run->session != NULL;
}

static int recipients_of(const script *table, int number)
{
    if (table->recipients == NULL)
        return 1;
    return table->recipients[number - 1] - '0';
}

static void script_give(script_run *run)
{
    int number = run->given + 1;
    thrum_message *letter =
        script_letter(run->context, number, recipients_of(run->script, number));

    if (letter == NULL)
        return;
    if (run->script->large == number)
        script_enlarge(letter);
    if (thrum_smtp_session_send(run->session, letter, script_sent, run) != 0) {
        thrum_message_free(letter);
        return;
    }
    run->given = number;
    run->letters[number] = letter;
}

static void script_answer(script_run *run)
{
    int more = 1;

    while (more == 1) {
        more = thrum_smtp_session_produce(run->session, &run->sent,
                                          run->sent.size < run->enough
                                              ? run->enough
                                              : run->sent.size + run->enough,
                                          run->now);
        ck_assert_int_le(more, 1);
    }
}

void script_prepare(script_run *run, const script_step *step)
{
    for (int i = 0; i < step->add; i++)
        script_give(run);
    if (step->cancel != 0)
        ck_assert_int_eq(
            thrum_smtp_session_cancel(run->session, run->letters[step->cancel]),
            1);
    if (step->quit)
        thrum_smtp_session_quit(run->session);
    if (step->secured)
        thrum_smtp_session_secured(run->session, run->now);
    script_answer(run);
}

/* In a block of just its size, so that a sanitizer sees reading past it. */
void script_say(script_run *run, const char *bytes, size_t size)
{
    char *copy = malloc(size + (size == 0));

    memcpy(copy, bytes, size);
    thrum_smtp_session_receive(run->session, copy, size, run->now);
    free(copy);
    script_answer(run);
}

const char *script_bytes(const char *server, size_t *size)
{
    static char bytes[SCRIPT_BYTES];

    *size = 0;
    for (; *server != '\0'; server++) {
        ck_assert_uint_lt(*size + 2, sizeof bytes);
        if (*server == '|')
            bytes[(*size)++] = '\r';
        bytes[(*size)++] = *server == '|'   ? '\n'
                           : *server == '~' ? '\0'
                                            : *server;
    }
    return bytes;
}

/* The body of message `number`, as the letter itself has it, since its headers
 * differ from letter to letter. */
static void expect_body(script_run *run, int number, thrum_buffer *expected)
{
    thrum__message_cursor cursor = {.segment = 0};

    ck_assert_ptr_nonnull(run->letters[number]);
    ck_assert_int_eq(thrum__message_data(run->letters[number], &cursor,
                                         THRUM__MESSAGE_DOTTED, expected,
                                         SIZE_MAX),
                     0);
}

/* Chunk `index` of message `number`. */
static void expect_chunk(script_run *run, int number, int index,
                         thrum_buffer *expected)
{
    thrum__message_cursor cursor = {.segment = 0};
    thrum_buffer chunk;
    int more = 1;

    ck_assert_ptr_nonnull(run->letters[number]);
    thrum_buffer_init(&chunk, run->context, SCRIPT_BYTES);
    for (int i = 0; i <= index; i++) {
        ck_assert_int_eq(more, 1);
        thrum_buffer_clear(&chunk);
        more = thrum__message_data(run->letters[number], &cursor,
                                   THRUM__MESSAGE_BINARY, &chunk, 32 * 1024);
    }
    thrum_buffer_format(expected, "BDAT %zu%s\r\n", chunk.size,
                        more == 0 ? " LAST" : "");
    thrum_buffer_append(expected, chunk.data, chunk.size);
    thrum_buffer_fini(&chunk);
}

/* One word of what is expected, as bytes. */
static void expect_word(script_run *run, const char *word, size_t size,
                        thrum_buffer *expected)
{
    static const char *const plain[] = {"DATA", "RSET", "QUIT", ".",
                                        "STARTTLS"};

    for (size_t i = 0; i < 5; i++)
        if (size == strlen(plain[i]) && memcmp(word, plain[i], size) == 0) {
            thrum_buffer_format(expected, "%s\r\n", plain[i]);
            return;
        }
    if (strncmp(word, "BODY", 4) == 0)
        expect_body(run, word[4] - '0', expected);
    else if (strncmp(word, "BDAT", 4) == 0)
        expect_chunk(run, word[4] - '0', 0, expected);
    else if (strncmp(word, "CHUNK", 5) == 0)
        expect_chunk(run, word[5] - '0', word[7] - '0', expected);
    else if (strncmp(word, "MAIL", 4) == 0)
        thrum_buffer_format(expected, "MAIL FROM:<e%c@x>\r\n", word[4]);
    else if (strncmp(word, "RCPT", 4) == 0)
        thrum_buffer_format(expected, "RCPT TO:<r%.*s@x>\r\n", (int)size - 4,
                            word + 4);
    else
        thrum_buffer_format(expected, "%.*s me\r\n", (int)size, word);
}

/* Bodies have to be asked of letters that are still there: before the server's
 * last word on them, which is never in the step that sends them. */
void script_expect(script_run *run, const char *words, const char *place)
{
    thrum_buffer expected;

    thrum_buffer_init(&expected, run->context, SCRIPT_BYTES);
    while (words != NULL && *words != '\0') {
        size_t size = strcspn(words, " ");

        expect_word(run, words, size, &expected);
        words += size + strspn(words + size, " ");
    }
    ck_assert_msg(
        run->sent.size == expected.size &&
            (expected.size == 0 ||
             memcmp(run->sent.data, expected.data, expected.size) == 0),
        "%s, %s: sent\n%.*s\ninstead of\n%.*s", run->script->name, place,
        (int)run->sent.size, run->sent.data, (int)expected.size, expected.data);
    thrum_buffer_clear(&run->sent);
    thrum_buffer_fini(&expected);
}

static void script_check_state(script_run *run)
{
    const thrum_failure *why = thrum_smtp_session_failure(run->session);
    const script *table = run->script;

    if (table->state != 0)
        ck_assert_msg(thrum_smtp_session_get_state(run->session) ==
                          table->state,
                      "%s: state %d", table->name,
                      (int)thrum_smtp_session_get_state(run->session));
    ck_assert_msg((why != NULL ? thrum_failure_code(why) : 0) == table->failure,
                  "%s: failure: %s", table->name,
                  why != NULL ? thrum_failure_text(why) : "none");
}

void script_finish(script_run *run)
{
    if (run->session != NULL && run->script->end == SCRIPT_EXPIRES) {
        run->now = thrum_smtp_session_deadline(run->session);
        thrum_smtp_session_expire(run->session, run->now);
    }
    if (run->session != NULL)
        thrum_smtp_session_lost(run->session, NULL);
    thrum_smtp_session_free(run->session);
    ck_assert_int_eq(run->ended, run->given);
    if (run->context == NULL)
        return;
    thrum_buffer_fini(&run->sent);
    support_context_end(run->context);
}

void script_open(script_run *run, const script *table, int messages,
                 const char *server)
{
    const script_step first = {.add = messages};

    ck_assert(script_begin(run, table));
    script_prepare(run, &first);
    script_tell(run, server);
}

void script_tell(script_run *run, const char *server)
{
    size_t size, done = 0;
    const char *bytes = script_bytes(server, &size);

    while (done < size) {
        const char *end = memchr(bytes + done, '\n', size - done);
        size_t line =
            end != NULL ? (size_t)(end + 1 - bytes) - done : size - done;

        script_say(run, bytes + done, line);
        done += line;
    }
    script_answer(run);
}

void script_close(script_run *run, const char *results)
{
    script_finish(run);
    ck_assert_str_eq(run->results, results);
}

/* Feeds one step in pieces that end at `split` (an offset into all that the
 * server says) or, for 0, after each byte. */
static size_t script_run_step(script_run *run, const script_step *step,
                              size_t told, size_t split)
{
    size_t size, done = 0;
    const char *bytes = script_bytes(step->server, &size);

    script_prepare(run, step);
    while (done < size) {
        size_t piece = split == 0 ? 1 : size - done;

        if (split > told + done && split < told + size)
            piece = split - told - done;
        script_say(run, bytes + done, piece);
        done += piece;
    }
    return told + size;
}

static size_t script_run_once(const script *table, size_t split)
{
    static script_run run;
    char place[64];
    size_t told = 0;

    ck_assert(script_begin(&run, table));
    for (int i = 0; i < SCRIPT_STEPS && table->steps[i].server != NULL; i++) {
        told = script_run_step(&run, &table->steps[i], told, split);
        snprintf(place, sizeof place, "step %d, split at %zu", i, split);
        script_expect(&run, table->steps[i].client, place);
    }
    script_check_state(&run);
    script_finish(&run);
    ck_assert_msg(strcmp(run.results, table->results) == 0,
                  "%s, split at %zu: \"%s\" instead of \"%s\"", table->name,
                  split, run.results, table->results);
    return told;
}

void script_run_every_way(const script *table)
{
    size_t size = script_run_once(table, SIZE_MAX);

    for (size_t split = 0; split < size; split++)
        script_run_once(table, split);
}
