/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/sink/dialogue.h"

static int peer_begin(sink_session *session, void *ctx)
{
    peer *self = ctx;
    const sink_envelope *envelope = &session->envelope;
    sink_recipient one;
    size_t at = 0;
    int error;

    if (self->refuse == 'b')
        return -1;
    error = thrum_buffer_append(&self->told, envelope->sender.data,
                                envelope->sender.size);
    while (error == 0 && sink_envelope_next(envelope, &at, &one))
        error = thrum_buffer_format(&self->told, " %s", one.address.data);
    return error != 0 ? error : thrum_buffer_append(&self->told, " [", 2);
}

static int peer_text(sink_session *session, const char *data, size_t size,
                     void *ctx)
{
    peer *self = ctx;

    (void)session;
    if (self->refuse == 't')
        return -1;
    return thrum_buffer_append(&self->told, data, size);
}

static int peer_end(sink_session *session, void *ctx)
{
    peer *self = ctx;

    (void)session;
    if (self->refuse == 'e')
        return -1;
    return thrum_buffer_append(&self->told, "]", 1);
}

const sink_session_events peer_events = {peer_begin, peer_text, peer_end};

void peer_collect(peer *self)
{
    thrum_buffer *replies = &self->session.replies;
    uint64_t wait = 1;

    while (wait > 0) {
        size_t due = sink_session_due(&self->session, &wait);

        thrum_buffer_append(&self->replies, replies->data, due);
        thrum_buffer_consume(replies, due);
        if (wait > 0)
            thrum_buffer_format(&self->replies, "(%d)", (int)wait);
    }
}

void peer_init(peer *self, thrum_context *context)
{
    memset(self, 0, sizeof *self);
    thrum_buffer_init(&self->replies, context, SIZE_MAX);
    thrum_buffer_init(&self->told, context, SIZE_MAX);
    self->config.events = &peer_events;
    self->config.totals = &self->totals;
    self->config.pipelining = true;
    sink_session_init(&self->session, context, &self->config, self);
    peer_collect(self);
}

void peer_fini(peer *self)
{
    sink_session_fini(&self->session);
    thrum_buffer_fini(&self->replies);
    thrum_buffer_fini(&self->told);
}

void peer_say(peer *self, const char *data, size_t size)
{
    sink_session_receive(&self->session, data, size);
    peer_collect(self);
}

void peer_tell(peer *self, const char *line)
{
    peer_say(self, line, strlen(line));
}

void assert_text(const thrum_buffer *got, const char *wanted, const char *name)
{
    ck_assert_msg(
        got->size == strlen(wanted) &&
            (got->size == 0 || memcmp(got->data, wanted, got->size) == 0),
        "%s: got \"%.*s\", not \"%s\"", name, (int)got->size, got->data,
        wanted);
}

static void dialogue_check(const dialogue *one, const peer *self)
{
    thrum_buffer replies = self->replies;

    ck_assert_mem_eq(replies.data, GREETING, strlen(GREETING));
    replies.data += strlen(GREETING);
    replies.size -= strlen(GREETING);
    assert_text(&replies, one->replies, one->name);
    assert_text(&self->told, one->told != NULL ? one->told : "", one->name);
    ck_assert_msg(memcmp(&self->totals, &one->totals, sizeof one->totals) == 0,
                  "%s: totals", one->name);
    ck_assert_msg((self->session.stage == SINK_STAGE_ENDED) == one->ends,
                  "%s: its end", one->name);
}

static void dialogue_offer(const dialogue *one, peer *self)
{
    const sink_session_config *offers = &one->offers;

    self->config.chunking = offers->chunking;
    self->config.size = offers->size;
    self->config.tls = offers->tls;
    self->config.account = offers->account;
    for (int i = 0; one->rules[i].text != NULL; i++)
        ck_assert(sink_faults_add(&self->faults, one->rules[i].kind,
                                  one->rules[i].text));
    self->config.faults = self->faults.count > 0 ? &self->faults : NULL;
    if (one->secure)
        sink_session_secured(&self->session);
}

/* In pieces of `piece` bytes, but the first of `first` bytes. */
static void dialogue_run_split(const dialogue *one, size_t first, size_t piece)
{
    thrum_context *context = support_context();
    size_t size = strlen(one->says), at = 0;
    peer self;

    peer_init(&self, context);
    dialogue_offer(one, &self);
    for (size_t now = first; at < size; at += now, now = piece) {
        if (now > size - at)
            now = size - at;
        peer_say(&self, one->says + at, now);
    }
    dialogue_check(one, &self);
    peer_fini(&self);
    support_context_end(context);
}

void dialogue_run(const dialogue *one)
{
    size_t size = strlen(one->says);

    dialogue_run_split(one, size, size);
    dialogue_run_split(one, 1, 1);
    for (size_t at = 1; at < size; at++)
        dialogue_run_split(one, at, size);
}
