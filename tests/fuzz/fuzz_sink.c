/* SPDX-License-Identifier: MIT */
/*
 * A byte says which allocation fails, one in what pieces the rest, all that a
 * client says to the sink, arrives, and what the sink offers. Whole and in
 * pieces it is the same replies and the same texts, and no more messages than
 * there are ends of one; where AUTH is asked for, none before it.
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

/* All that the client says, `step` bytes at a time. */
static void sink_hear(thrum_context *context, heard *self, fuzz_input input,
                      const sink_session_config *offers, size_t step)
{
    sink_session_config config = *offers;
    sink_session session;
    int error;

    memset(self, 0, sizeof *self);
    config.totals = &self->totals;
    thrum_buffer_init(&self->replies, context, SIZE_MAX);
    thrum_buffer_init(&self->texts, context, SIZE_MAX);
    error = sink_session_init(&session, context, &config, self);
    while (error == 0 && input.size > 0 && session.stage != SINK_STAGE_ENDED) {
        size_t size = input.size < step ? input.size : step;

        sink_session_receive(&session, (const char *)input.data, size);
        thrum_buffer_append(&self->replies, session.replies.data,
                            session.replies.size);
        thrum_buffer_clear(&session.replies);
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
    thrum_context *context = fuzz_context(fail_at);
    sink_session_config offers = {
        .events = &events,
        .pipelining = true,
        .chunking = (how & 64) == 0,
        .size = (how & 128) != 0 ? 9 : 0,
        .account = (how & 32) != 0 ? tim() : NULL,
    };
    heard whole, pieces;

    sink_hear(context, &pieces, input, &offers, how % 32 + 1);
    fuzz_assert(pieces.totals.messages <= count_ends(input));
    sink_hear(context, &whole, input, &offers, input.size + 1);
    if (fail_at == 0) {
        fuzz_assert(is_same_but_nonces(&whole, &pieces, &offers));
        fuzz_assert(is_same(&whole.texts, &pieces.texts));
        fuzz_assert(whole.totals.messages == pieces.totals.messages);
    }
    heard_fini(&whole);
    heard_fini(&pieces);
    fuzz_context_end(context);
    return 0;
}
