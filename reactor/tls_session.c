/* SPDX-License-Identifier: MIT */
/*
 * A TLS session between two buffers (see reactor/tls_session.h).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "reactor/tls_session.h"

enum {
    SESSION_RECORD = 16384, /* RFC 8446, section 5.1 */
    SESSION_IN = 128 * 1024,
    /* A record's worth of what a stream sends at once, and a handshake's
     * certificates: GnuTLS takes none above 128 KiB. */
    SESSION_OUT = 256 * 1024,
    SESSION_SPARE = 128 * 1024, /* a larger block is not kept */
    /* Warnings, and wishes for another handshake, that are borne. */
    SESSION_WARNINGS = 8
};

void thrum__tls_session_fail(thrum__tls_session *self, thrum_failure *why)
{
    if (self->why == NULL)
        self->why = why;
    else
        thrum_failure_unref(why);
}

/* "127.0.0.1:465: no TLS with mail.test: its certificate is for ..." */
static void session_fail(thrum__tls_session *self, int error, const char *words)
{
    /* Of a record's head that was cut GnuTLS says its length is wrong. */
    bool cut = error == GNUTLS_E_PREMATURE_TERMINATION ||
               (error == GNUTLS_E_UNEXPECTED_PACKET_LENGTH && self->in_over &&
                self->in.size == 0);
    int code =
        cut && self->open ? THRUM_REACTOR_E_TRUNCATED : THRUM_REACTOR_E_TLS;
    const char *name = self->name.text;

    if (self->no_memory || error == GNUTLS_E_MEMORY_ERROR) {
        thrum__tls_session_fail(self, thrum_failure_no_memory());
        return;
    }
    if (words == NULL && error == GNUTLS_E_FATAL_ALERT_RECEIVED)
        words = gnutls_alert_get_name(gnutls_alert_get(self->gnutls));
    else if (words == NULL && cut)
        words = self->open ? "the peer closed without ending it"
                           : "the peer closed the connection";
    else if (words == NULL)
        words = gnutls_strerror(error);
    thrum__tls_session_fail(
        self, thrum__tls_failure(self->context, code, error, "%s: %s%s%s: %s%s",
                                 self->where, self->open ? "TLS" : "no TLS",
                                 name[0] != '\0' ? " with " : "", name,
                                 error == GNUTLS_E_FATAL_ALERT_RECEIVED
                                     ? "the peer says: "
                                     : "",
                                 words));
}

/* ---- Its blocks ---- */

static void session_swap(thrum_buffer *one, thrum_buffer *other)
{
    thrum_buffer held = *one;

    *one = *other;
    *other = held;
    other->cap = one->cap;
    one->cap = held.cap;
}

char *thrum__tls_session_room(thrum__tls_session *self, thrum_buffer *buffer,
                              size_t size)
{
    if (buffer->block == NULL)
        session_swap(buffer, &self->tls->spare);
    return thrum_buffer_reserve(buffer, size);
}

void thrum__tls_session_rest(thrum__tls_session *self, thrum_buffer *buffer)
{
    size_t cap = buffer->cap;

    if (buffer->block == NULL)
        return;
    thrum_buffer_clear(buffer);
    if (self->tls->spare.block == NULL && buffer->room <= SESSION_SPARE) {
        session_swap(buffer, &self->tls->spare);
        return;
    }
    thrum_buffer_fini(buffer);
    thrum_buffer_init(buffer, self->context, cap);
}

/* ---- What GnuTLS calls ---- */

static ssize_t session_pull(gnutls_transport_ptr_t it, void *data, size_t size)
{
    thrum__tls_session *self = it;

    if (self->in.size == 0 && self->in_over)
        return 0;
    if (self->in.size == 0) {
        gnutls_transport_set_errno(self->gnutls, EAGAIN);
        return -1;
    }
    if (size > self->in.size)
        size = self->in.size;
    memcpy(data, self->in.data, size);
    thrum_buffer_consume(&self->in, size);
    return (ssize_t)size;
}

static int session_pull_timeout(gnutls_transport_ptr_t it, unsigned ms)
{
    const thrum__tls_session *self = it;

    (void)ms;
    return self->in.size > 0 || self->in_over;
}

static ssize_t session_push(gnutls_transport_ptr_t it, const giovec_t *parts,
                            int count)
{
    thrum__tls_session *self = it;
    ssize_t sum = 0;

    for (int i = 0; i < count; i++) {
        if (thrum_buffer_append(&self->out, parts[i].iov_base,
                                parts[i].iov_len) != 0) {
            self->no_memory = true;
            gnutls_transport_set_errno(self->gnutls, ENOMEM);
            return -1;
        }
        sum += (ssize_t)parts[i].iov_len;
    }
    return sum;
}

/* 0: the handshake may go on. */
static int session_verify(gnutls_session_t gnutls)
{
    thrum__tls_session *self = gnutls_session_get_ptr(gnutls);

    if (self->leaf == NULL)
        self->leaf = thrum__tls_leaf(gnutls);
    self->checked = true;
    self->until = 0;
    self->unverified =
        thrum__tls_verify(gnutls, self->leaf, self->server ? NULL : &self->name,
                          self->words, &self->alert);
    if (self->unverified == NULL && self->wants_ticket)
        self->until = thrum__tls_until(gnutls, self->leaf);
    if (self->unverified == NULL || (!self->server && self->tls->trust_anyone))
        return 0;
    return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

/* ---- The beginning ---- */

static void session_resume(thrum__tls_session *self)
{
    gnutls_datum_t ticket = {NULL, 0};

    if (!thrum__tls_tickets_take(self->tls, self->key, &ticket, &self->until))
        return;
    /* One that is too old, or not understood, is a whole handshake. */
    gnutls_session_set_data(self->gnutls, ticket.data, ticket.size);
    thrum__tls_wipe(&ticket);
}

static int session_set_client(thrum__tls_session *self)
{
    const thrum__tls_name *name = &self->name;
    int error = 0;

    gnutls_session_set_verify_function(self->gnutls, session_verify);
    if (name->text[0] != '\0' && name->address_size == 0)
        error = gnutls_server_name_set(self->gnutls, GNUTLS_NAME_DNS,
                                       name->text, strlen(name->text));
    if (error == 0 && self->wants_ticket)
        session_resume(self);
    return error;
}

static int session_set_server(thrum__tls_session *self)
{
    if (self->tls->verify_clients) {
        gnutls_session_set_verify_function(self->gnutls, session_verify);
        gnutls_certificate_server_set_request(self->gnutls,
                                              GNUTLS_CERT_REQUIRE);
    }
    if (self->tls->no_tickets)
        return 0;
    return gnutls_session_ticket_enable_server(self->gnutls,
                                               &self->tls->ticket_key);
}

static int session_set(thrum__tls_session *self)
{
    const thrum_tls *tls = self->tls;
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    int error;

    flags |= self->server ? GNUTLS_SERVER : GNUTLS_CLIENT;
    if (tls->no_tickets)
        flags |= GNUTLS_NO_TICKETS;
    error = gnutls_init(&self->gnutls, flags);
    if (error != 0) {
        self->gnutls = NULL;
        return error;
    }
    gnutls_session_set_ptr(self->gnutls, self);
    gnutls_transport_set_ptr(self->gnutls, self);
    gnutls_transport_set_pull_function(self->gnutls, session_pull);
    gnutls_transport_set_pull_timeout_function(self->gnutls,
                                               session_pull_timeout);
    gnutls_transport_set_vec_push_function(self->gnutls, session_push);
    gnutls_handshake_set_timeout(self->gnutls, 0); /* the caller's */
    error = gnutls_priority_set(self->gnutls, tls->priority);
    if (error == 0)
        error = gnutls_credentials_set(self->gnutls, GNUTLS_CRD_CERTIFICATE,
                                       tls->credentials);
    if (error == 0 && tls->alpn_count > 0)
        error = gnutls_alpn_set_protocols(
            self->gnutls, tls->alpn, tls->alpn_count,
            GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
    if (error == 0)
        error =
            self->server ? session_set_server(self) : session_set_client(self);
    return error;
}

/* What stands behind the last ":" of an address over IP; else all of it. */
static const char *session_port(const char *where)
{
    const char *colon = strrchr(where, ':');

    return strncmp(where, "unix:", 5) == 0 || colon == NULL ? where : colon;
}

/* Ownership: the failure is new; NULL: all is well. */
static thrum_failure *session_prepare(thrum__tls_session *self,
                                      const char *host)
{
    thrum_failure *why = NULL;
    const char *wrong = NULL;
    int error;

    if (self->server && !self->tls->has_certificate)
        return thrum__tls_failure(self->context, THRUM_REACTOR_E_TLS, 0,
                                  "%s: no TLS: a server needs a certificate",
                                  self->where);
    if (host != NULL) {
        error = thrum__tls_name_read(&self->name, host, &wrong);
        if (error == THRUM_E_NOMEM)
            return thrum_failure_no_memory();
        if (error != 0)
            return thrum__tls_failure(self->context, THRUM_REACTOR_E_TLS, 0,
                                      "%s: no TLS: the host: %s", self->where,
                                      wrong);
    }
    if (!self->server)
        why = thrum__tls_trust_system(self->tls);
    if (why != NULL)
        return why;
    snprintf(self->key, THRUM__TLS_NAME + strlen(self->where) + 1, "%s%s",
             self->name.text, session_port(self->where));
    error = session_set(self);
    if (error == 0)
        return NULL;
    session_fail(self, error, NULL);
    return thrum_failure_ref(self->why);
}

thrum__tls_session *thrum__tls_session_new(thrum_tls *tls, bool server,
                                           const char *host, const char *where,
                                           thrum_failure **why)
{
    size_t room = THRUM__TLS_NAME + strlen(where) + 1;
    thrum__tls_session *self =
        thrum_context_allocate(tls->context, sizeof *self + room);

    if (self == NULL) {
        *why = thrum_failure_no_memory();
        return NULL;
    }
    memset(self, 0, sizeof *self);
    self->context = tls->context;
    self->tls = thrum_tls_ref(tls);
    self->server = server;
    self->where = where;
    self->wants_ticket = !server && !tls->no_tickets && host != NULL;
    thrum_buffer_init(&self->in, self->context, SESSION_IN);
    thrum_buffer_init(&self->out, self->context, SESSION_OUT);
    *why = session_prepare(self, host);
    if (*why == NULL)
        return self;
    thrum__tls_session_free(self);
    return NULL;
}

void thrum__tls_session_free(thrum__tls_session *self)
{
    thrum_tls *tls;

    if (self == NULL)
        return;
    tls = self->tls;
    if (self->leaf != NULL)
        gnutls_x509_crt_deinit(self->leaf);
    if (self->gnutls != NULL)
        gnutls_deinit(self->gnutls);
    thrum_buffer_fini(&self->in);
    thrum_buffer_fini(&self->out);
    thrum_failure_unref(self->why);
    thrum_context_release(self->context, self->texts);
    thrum_context_release(self->context, self);
    thrum_tls_unref(tls);
}

/* ---- The handshake ---- */

/* GnuTLS leaves it to us whether the server chose one of ours (ALPACA). */
static bool session_alpn_is_ours(const thrum__tls_session *self,
                                 const gnutls_datum_t *agreed)
{
    const thrum_tls *tls = self->tls;

    for (unsigned i = 0; i < tls->alpn_count; i++)
        if (tls->alpn[i].size == agreed->size &&
            memcmp(tls->alpn[i].data, agreed->data, agreed->size) == 0)
            return true;
    return false;
}

/* The same trust found the same host verified when the session began, and
 * nothing that it showed has expired since: to go through its chain again would
 * be a third of such a handshake. */
static bool session_is_believed(const thrum__tls_session *self)
{
    return !self->server && self->began > 0 && self->began < self->until;
}

/* What a session that began before says of the peer holds now as well, or it
 * does not go on: the certificate may have expired meanwhile. */
static int session_check(thrum__tls_session *self)
{
    bool wanted = !self->server || self->tls->verify_clients;
    bool resumed = gnutls_session_is_resumed(self->gnutls) != 0;
    gnutls_datum_t alpn = {NULL, 0};

    if (resumed && session_is_believed(self)) {
        self->leaf = thrum__tls_leaf(self->gnutls);
        self->checked = true;
    }
    if (wanted && !self->checked && session_verify(self->gnutls) != 0)
        return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
    if (gnutls_alpn_get_selected_protocol(self->gnutls, &alpn) == 0 &&
        !session_alpn_is_ours(self, &alpn))
        return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
    return 0;
}

/* An alert, for what we refuse ourselves and for what GnuTLS did. */
static void session_refuse(thrum__tls_session *self, int error)
{
    bool ours = error == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
                self->unverified != NULL;

    session_fail(self, error, ours ? self->unverified : NULL);
    self->told = ours && thrum__tls_facts_fill(self) == 0;
    if (ours)
        gnutls_alert_send(self->gnutls, GNUTLS_AL_FATAL, self->alert);
    else if (error != GNUTLS_E_FATAL_ALERT_RECEIVED &&
             error != GNUTLS_E_PREMATURE_TERMINATION)
        gnutls_alert_send_appropriate(self->gnutls, error);
}

/* GnuTLS says AGAIN also after a ticket, whatever stands behind it, and of a
 * part of a record before it looks whether more will come. */
static bool session_goes_on(const thrum__tls_session *self, size_t before)
{
    return self->in.size < before && (self->in.size > 0 || self->in_over);
}

static int session_shake(thrum__tls_session *self)
{
    int got;
    bool on;

    do {
        size_t before = self->in.size;

        got = gnutls_handshake(self->gnutls);
        if (got == GNUTLS_E_AGAIN)
            on = session_goes_on(self, before);
        else
            on = got < 0 && gnutls_error_is_fatal(got) == 0 &&
                 self->warnings++ < SESSION_WARNINGS;
    } while (on);
    return got;
}

int thrum__tls_session_handshake(thrum__tls_session *self)
{
    int got;

    if (self->why != NULL)
        return THRUM__TLS_FAILED;
    got = session_shake(self);
    if (got == GNUTLS_E_AGAIN)
        return 0;
    if (got == 0)
        got = session_check(self);
    if (got != 0) {
        session_refuse(self, got);
        return THRUM__TLS_FAILED;
    }
    if (thrum__tls_facts_fill(self) != 0) {
        thrum__tls_session_fail(self, thrum_failure_no_memory());
        return THRUM__TLS_FAILED;
    }
    self->open = self->told = true;
    return 1;
}

/* ---- Bytes ---- */

/* In TLS 1.2 a ticket comes with the handshake, or serves again; in 1.3 it
 * comes at any time after it, and to ask for one before would block. */
static bool session_has_ticket(const thrum__tls_session *self)
{
    return (gnutls_session_get_flags(self->gnutls) &
            GNUTLS_SFLAGS_SESSION_TICKET) != 0 ||
           (self->facts.resumed &&
            gnutls_protocol_get_version(self->gnutls) == GNUTLS_TLS1_2);
}

static void session_keep_ticket(thrum__tls_session *self)
{
    gnutls_datum_t ticket = {NULL, 0};

    if (!self->wants_ticket || !session_has_ticket(self))
        return;
    self->wants_ticket = false;
    if (gnutls_session_get_data2(self->gnutls, &ticket) == 0)
        thrum__tls_tickets_put(self->tls, self->key, ticket, self->until);
}

/* What is no failure of the session: a warning, or the wish for another
 * handshake (TLS 1.2), which is refused. */
static bool session_bears(thrum__tls_session *self, ssize_t got)
{
    if (got == GNUTLS_E_INTERRUPTED)
        return true;
    if (gnutls_error_is_fatal((int)got) != 0 ||
        self->warnings++ >= SESSION_WARNINGS)
        return false;
    if (got == GNUTLS_E_REHANDSHAKE)
        gnutls_alert_send(self->gnutls, GNUTLS_AL_WARNING,
                          GNUTLS_A_NO_RENEGOTIATION);
    return true;
}

/* Decrypts what there is. Returns GNUTLS_E_AGAIN when that is used up, or what
 * it met. */
static ssize_t session_decrypt(thrum__tls_session *self, char *data,
                               size_t size, size_t *at)
{
    ssize_t got = 1;

    while (*at < size && got > 0) {
        size_t before = self->in.size;

        got = gnutls_record_recv(self->gnutls, data + *at, size - *at);
        if (got > 0)
            *at += (size_t)got;
        else if (got == GNUTLS_E_AGAIN)
            got = session_goes_on(self, before) ? 1 : got;
        else if (got < 0 && session_bears(self, got))
            got = 1;
    }
    return got;
}

void thrum__tls_session_refuse(thrum__tls_session *self, const char *words)
{
    session_fail(self, GNUTLS_E_UNEXPECTED_PACKET, words);
}

/* Bytes behind the end of TLS are in the clear, or nobody's: what comes over
 * this connection is no longer the peer's (EXIM-Security-2026-05-01.1). */
static void session_see_end(thrum__tls_session *self)
{
    self->ended = true;
    if (self->in.size > 0)
        thrum__tls_session_refuse(self, THRUM__TLS_AFTER);
}

ssize_t thrum__tls_session_receive(thrum__tls_session *self, char *data,
                                   size_t size)
{
    size_t at = 0;
    ssize_t got = GNUTLS_E_AGAIN;

    if (self->why == NULL && !self->ended)
        got = session_decrypt(self, data, size, &at);
    if (self->why == NULL && got == 0)
        session_see_end(self);
    else if (self->why == NULL && got < 0 && got != GNUTLS_E_AGAIN)
        session_fail(self, (int)got, NULL);
    session_keep_ticket(self);
    if (self->in.size == 0)
        thrum__tls_session_rest(self, &self->in);
    self->has_more = at > 0 && got != GNUTLS_E_AGAIN;
    if (at > 0)
        return (ssize_t)at;
    if (self->why != NULL)
        return THRUM__TLS_FAILED;
    return self->ended ? 0 : THRUM__TLS_AGAIN;
}

int thrum__tls_session_send(thrum__tls_session *self, const void *data,
                            size_t size)
{
    const char *at = data;

    while (self->why == NULL && size > 0) {
        ssize_t sent = gnutls_record_send(
            self->gnutls, at, size < SESSION_RECORD ? size : SESSION_RECORD);

        if (sent < 0 && sent != GNUTLS_E_INTERRUPTED)
            session_fail(self, (int)sent, NULL);
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
    return self->why == NULL ? 0 : THRUM__TLS_FAILED;
}

void thrum__tls_session_end(thrum__tls_session *self)
{
    if (self->open && self->why == NULL)
        gnutls_bye(self->gnutls, GNUTLS_SHUT_WR);
}
