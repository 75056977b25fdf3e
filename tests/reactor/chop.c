/* SPDX-License-Identifier: MIT */
#include "tests/reactor/chop.h"

#include <string.h>

#include "tests/support/support.h"

typedef struct chop_transport {
    thrum__transport transport; /* first */
    thrum__transport *beneath;
    thrum_reactor *reactor;
    chop *plan;
    size_t sent, received;
    bool rests; /* after the cut, a send answers AGAIN once */
} chop_transport;

static void hide(char *data, size_t size, char key)
{
    for (size_t i = 0; i < size; i++)
        data[i] ^= key;
}

/* How many bytes may pass at once, behind `done`. */
static size_t chop_at(const chop *plan, size_t done, size_t size)
{
    if (plan->cut > done && size > plan->cut - done)
        size = plan->cut - done;
    if (plan->piece > 0 && size > plan->piece)
        size = plan->piece;
    return size;
}

static int chop_failed(chop_transport *self)
{
    thrum_failure_unref(self->transport.why);
    self->transport.why = thrum__transport_take_why(self->beneath);
    return THRUM__TRANSPORT_FAILED;
}

static ssize_t chop_receive(thrum__transport *transport, char *data,
                            size_t size)
{
    chop_transport *self = (chop_transport *)transport;
    ssize_t got;

    if (transport->why != NULL)
        return THRUM__TRANSPORT_FAILED;
    size = chop_at(self->plan, self->received, size);
    got = self->beneath->ops->receive(self->beneath, data, size);
    if (got == THRUM__TRANSPORT_FAILED)
        return chop_failed(self);
    if (got > 0) {
        hide(data, (size_t)got, self->plan->key);
        self->received += (size_t)got;
    }
    return got;
}

static ssize_t chop_send(thrum__transport *transport, const struct iovec *parts,
                         int count)
{
    chop_transport *self = (chop_transport *)transport;
    char hidden[512];
    struct iovec part = {hidden, parts->iov_len};
    ssize_t sent;

    ck_assert_int_gt(count, 0);
    ck_assert_uint_gt(part.iov_len, 0);
    if (self->rests) {
        self->rests = false;
        return THRUM__TRANSPORT_AGAIN;
    }
    part.iov_len = chop_at(self->plan, self->sent, part.iov_len);
    if (part.iov_len > sizeof hidden)
        part.iov_len = sizeof hidden;
    memcpy(hidden, parts->iov_base, part.iov_len);
    hide(hidden, part.iov_len, self->plan->key);
    sent = self->beneath->ops->send(self->beneath, &part, 1);
    if (sent == THRUM__TRANSPORT_FAILED)
        return chop_failed(self);
    if (sent > 0) {
        self->sent += (size_t)sent;
        self->rests = self->sent == self->plan->cut;
    }
    return sent;
}

static void chop_watch(thrum__transport *transport, int events)
{
    chop_transport *self = (chop_transport *)transport;

    self->beneath->ops->watch(self->beneath, events);
}

static int chop_shutdown(thrum__transport *transport)
{
    chop_transport *self = (chop_transport *)transport;
    char end = CHOP_END;
    struct iovec part = {&end, 1};

    if (self->plan->late > 0) {
        self->plan->late--;
        return THRUM__TRANSPORT_AGAIN;
    }
    if (!self->plan->says_end)
        return self->beneath->ops->shutdown(self->beneath);
    if (self->beneath->ops->send(self->beneath, &part, 1) != 1)
        return THRUM__TRANSPORT_AGAIN;
    self->beneath->ops->shutdown(self->beneath);
    return 0;
}

static bool chop_has_bytes(thrum__transport *transport)
{
    chop_transport *self = (chop_transport *)transport;

    return self->beneath->ops->has_bytes(self->beneath);
}

static void chop_close(thrum__transport *transport, bool reset,
                       const thrum_failure *why)
{
    chop_transport *self = (chop_transport *)transport;
    chop *plan = self->plan;

    plan->closed++;
    plan->reset += reset;
    plan->code = why != NULL ? thrum_failure_code(why) : 0;
    plan->transport = NULL;
    if (self->beneath != NULL)
        self->beneath->ops->close(self->beneath, reset, why);
    thrum_failure_unref(transport->why);
    thrum_context_release(thrum_reactor_context(self->reactor), self);
}

static int chop_descriptor(const thrum__transport *transport)
{
    const chop_transport *self = (const chop_transport *)transport;

    return self->beneath->ops->descriptor(self->beneath);
}

static void chop_ready(void *owner, int events)
{
    chop_transport *self = owner;

    self->transport.ready(self->transport.owner, events);
}

static void chop_stack(thrum__transport *transport, thrum__transport *beneath)
{
    chop_transport *self = (chop_transport *)transport;

    ck_assert_ptr_null(self->beneath);
    self->beneath = beneath;
    self->plan->stacked++;
    thrum__transport_set_owner(beneath, chop_ready, self);
}

#define CHOP_OPS(end)                                                          \
    {                                                                          \
        chop_receive, chop_send, chop_watch, chop_shutdown, chop_has_bytes,    \
            chop_close, chop_descriptor, chop_stack, end                       \
    }

thrum__transport *chop_new(thrum_reactor *reactor, chop *plan)
{
    static const thrum__transport_ops quiet = CHOP_OPS(false);
    static const thrum__transport_ops says_end = CHOP_OPS(true);
    chop_transport *self =
        thrum_context_allocate(thrum_reactor_context(reactor), sizeof *self);

    ck_assert_ptr_nonnull(self);
    memset(self, 0, sizeof *self);
    self->transport.ops = plan->says_end ? &says_end : &quiet;
    self->reactor = reactor;
    self->plan = plan;
    plan->transport = &self->transport;
    return &self->transport;
}

void chop_break(chop *plan, int code)
{
    chop_transport *self = (chop_transport *)plan->transport;

    self->transport.why =
        thrum_failure_new(thrum_reactor_context(self->reactor),
                          &thrum_domain_reactor, code, "broken");
    self->transport.ready(self->transport.owner, THRUM__TRANSPORT_BROKEN);
}
