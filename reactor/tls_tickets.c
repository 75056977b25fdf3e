/* SPDX-License-Identifier: MIT */
/*
 * Sessions that may go on, of one thrum_tls: so none is ever resumed under
 * other trust. The key is host and port. What is kept holds secrets, and is
 * overwritten when it goes.
 */
#include <string.h>

#include "reactor/tls.h"

typedef struct ticket {
    thrum__link link; /* first */
    gnutls_datum_t session;
    thrum_ns until;
    char key[];
} ticket;

void thrum__tls_wipe(gnutls_datum_t *secret)
{
    if (secret->data != NULL)
        gnutls_memset(secret->data, 0, secret->size);
    gnutls_free(secret->data);
    secret->data = NULL;
    secret->size = 0;
}

static void ticket_free(thrum_tls *tls, ticket *old)
{
    thrum__link_remove(&old->link);
    tls->ticket_count--;
    thrum__tls_wipe(&old->session);
    thrum_context_release(tls->context, old);
}

static ticket *ticket_find(const thrum_tls *tls, const char *key)
{
    const thrum__link *at = tls->tickets.prev;

    for (; at != &tls->tickets; at = at->prev)
        if (strcmp(((const ticket *)at)->key, key) == 0)
            return (ticket *)at;
    return NULL;
}

void thrum__tls_tickets_put(thrum_tls *tls, const char *key,
                            gnutls_datum_t session, thrum_ns until)
{
    size_t size = strlen(key) + 1;
    ticket *old = ticket_find(tls, key);
    ticket *added;

    if (old == NULL && tls->ticket_count == THRUM__TLS_TICKETS)
        old = (ticket *)tls->tickets.next;
    if (old != NULL)
        ticket_free(tls, old);
    added = thrum_context_allocate(tls->context, sizeof *added + size);
    if (added == NULL) {
        thrum__tls_wipe(&session);
        return;
    }
    memcpy(added->key, key, size);
    added->session = session;
    added->until = until;
    thrum__link_append(&tls->tickets, &added->link);
    tls->ticket_count++;
}

bool thrum__tls_tickets_take(thrum_tls *tls, const char *key,
                             gnutls_datum_t *session, thrum_ns *until)
{
    ticket *found = ticket_find(tls, key);

    if (found == NULL)
        return false;
    *session = found->session;
    *until = found->until;
    found->session.data = NULL;
    ticket_free(tls, found);
    return true;
}

void thrum__tls_tickets_clear(thrum_tls *tls)
{
    while (!thrum__link_alone(&tls->tickets))
        ticket_free(tls, (ticket *)tls->tickets.next);
}
