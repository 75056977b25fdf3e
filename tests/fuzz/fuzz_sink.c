/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails, and whether faults were asked for, one in
 * what pieces the rest, all that a client says to the sink, arrives, and what
 * the sink offers. Whole and in pieces it is the same replies and the same
 * texts, and no more messages than there are ends of one; where AUTH is asked
 * for, none before it.
 */
#include <string.h>
#include <strings.h>

#include "cli/sink_session.h"
#include "tests/fuzz/fuzz.h"

typedef struct heard {
    thrum_buffer replies;
    thrum_buffer texts;
    sink_totals totals;
} heard;

static int heard_begin(sink_session *session, void *ctx)
{
    (void)ctx;
    fuzz_assert(session->envelope.count > 0);
    fuzz_assert(session->config->account == NULL || session->mechanism != NULL);
    return 0;
}

static int heard_text(sink_session *session, const char *data, size_t size,
                      void *ctx)
{
    heard *self = ctx;

    (void)session;
    return thrum_buffer_append(&self->texts, data, size);
}

static int heard_end(sink_session *session, void *ctx)
{
    heard *self = ctx;

    (void)session;
    return thrum_buffer_append(&self->texts, "\0", 1);
}

static const sink_session_events events = {heard_begin, heard_text, heard_end};

/* What waits is heard as well; how long it waits, too. */
static void heard_collect(heard *self, sink_session *session)
{
    uint64_t wait = 1;

    while (wait > 0) {
        size_t due = sink_session_due(session, &wait);

        fuzz_assert(due <= session->replies.size);
        thrum_buffer_append(&self->replies, session->replies.data, due);
        thrum_buffer_consume(&session->replies, due);
        if (wait > 0)
            thrum_buffer_append(&self->replies, &wait, sizeof wait);
    }
}

/* Faults of every kind, some now and then. */
static void faults_make(sink_faults *faults)
{
    faults->count = 0;
    fuzz_assert(sink_faults_add(faults, SINK_RULE_REPLY, "MAIL:451:1/3"));
    fuzz_assert(sink_faults_add(faults, SINK_RULE_REPLY, "BDAT:552:1/4"));
    fuzz_assert(sink_faults_add(faults, SINK_RULE_REPLY, ".:421:1/5"));
    fuzz_assert(sink_faults_add(faults, SINK_RULE_DROP, ".:1/3"));
    fuzz_assert(sink_faults_add(faults, SINK_RULE_DELAY, "RCPT:7"));
    fuzz_assert(sink_faults_add(faults, SINK_RULE_DELAY, ".:9"));
}

/* All that the client says, `step` bytes at a time. */
static void sink_hear(thrum_context *context, heard *self, fuzz_input input,
                      const sink_session_config *offers, size_t step)
{
    sink_session_config config = *offers;
    sink_faults faults;
    sink_session session;
    int error;

    memset(self, 0, sizeof *self);
    config.totals = &self->totals;
    faults_make(&faults);
    if (config.faults != NULL)
        config.faults = &faults;
    thrum_buffer_init(&self->replies, context, SIZE_MAX);
    thrum_buffer_init(&self->texts, context, SIZE_MAX);
    error = sink_session_init(&session, context, &config, self);
    while (error == 0 && input.size > 0 && session.stage != SINK_STAGE_ENDED) {
        size_t size = input.size < step ? input.size : step;

        sink_session_receive(&session, (const char *)input.data, size);
        heard_collect(self, &session);
        input.data += size;
        input.size -= size;
    }
    sink_session_fini(&session);
}

static void heard_fini(heard *self)
{
    thrum_buffer_fini(&self->replies);
    thrum_buffer_fini(&self->texts);
}

/* Of a text after DATA, and of one by BDAT, in any case. */
static uint64_t count_ends(fuzz_input input)
{
    uint64_t count = 0;

    for (size_t i = 0; i + 5 <= input.size; i++) {
        const char *at = (const char *)input.data + i;

        count += memcmp(at, "\r\n.\r\n", 5) == 0;
        count += strncasecmp(at, " last", 5) == 0;
    }
    return count;
}

/* The user tim, whose password is pencil; made once. */
static const sink_account *tim(void)
{
    static sink_account account;

    if (account.user.size == 0)
        sink_account_set(&account, (thrum_bytes){"tim", 3},
                         (thrum_bytes){"pencil", 6}, (thrum_bytes){"salt", 4});
    return &account;
}

static bool is_same(const thrum_buffer *a, const thrum_buffer *b)
{
    return a->size == b->size &&
           (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Challenges hold nonces, which are all of one size. */
static bool is_same_but_nonces(const heard *whole, const heard *pieces,
                               const sink_session_config *offers)
{
    if (offers->account != NULL)
        return whole->replies.size == pieces->replies.size;
    return is_same(&whole->replies, &pieces->replies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    unsigned fail_at = fuzz_byte(&input), how = fuzz_byte(&input);
    thrum_context *context = fuzz_context(fail_at % 128);
    sink_faults faulty = {.count = 0};
    sink_session_config offers = {
        .events = &events,
        .pipelining = true,
        .chunking = (how & 64) == 0,
        .size = (how & 128) != 0 ? 9 : 0,
        .account = (how & 32) != 0 ? tim() : NULL,
        .faults = fail_at >= 128 ? &faulty : NULL,
    };
    heard whole, pieces;

    sink_hear(context, &pieces, input, &offers, how % 32 + 1);
    fuzz_assert(pieces.totals.messages <= count_ends(input));
    sink_hear(context, &whole, input, &offers, input.size + 1);
    if (fail_at % 128 == 0) {
        fuzz_assert(is_same_but_nonces(&whole, &pieces, &offers));
        fuzz_assert(is_same(&whole.texts, &pieces.texts));
        fuzz_assert(whole.totals.messages == pieces.totals.messages);
    }
    heard_fini(&whole);
    heard_fini(&pieces);
    fuzz_context_end(context);
    return 0;
}
