/* SPDX-License-Identifier: MIT */
/*
 * A stream: bytes both ways between here and a peer. What is written in one
 * turn of the loop is sent at its end with one system call, or at once when it
 * passes the high mark.
 *
 * A stream ends in exactly one notice, `closed`, whoever ended it. When a write
 * fails, what the peer sent before is told first: it may well say why.
 */
#ifndef THRUM_STREAM_H
#define THRUM_STREAM_H

#include <thrum/buffer.h>
#include <thrum/reactor.h>

THRUM_BEGIN

typedef struct thrum_stream thrum_stream;

/* What a stream tells its owner. Each may be NULL, and each may lose, abort or
 * unref the stream. */
typedef struct thrum_stream_handler {
    /* Bytes came, at most 64 KiB a turn. `data` is borrowed for the call. */
    void (*received)(thrum_stream *stream, const char *data, size_t size,
                     void *ctx);
    /* The peer will send no more. NULL: thrum_stream_lose. */
    void (*ended)(thrum_stream *stream, void *ctx);
    /* The queue, once above the high mark, is at or below the low one. */
    void (*drained)(thrum_stream *stream, void *ctx);
    /* It is over; nothing else will be told. `why` is borrowed; NULL after
     * thrum_stream_lose with everything sent. */
    void (*closed)(thrum_stream *stream, const thrum_failure *why, void *ctx);
} thrum_stream_handler;

/* Who hears of it from now on. Bytes that came before are told in the next
 * turn. Ownership: the handler must be static; ctx is taken and released after
 * `closed`, or when another handler is set. */
THRUM_API void thrum_stream_set_handler(thrum_stream *stream,
                                        const thrum_stream_handler *handler,
                                        void *ctx, thrum_free_fn *free);

/* How much may wait to be sent, in bytes: above `high` the writer should rest
 * until `drained` says that `low` is reached; past `cap` a write is refused.
 * Default: 16 KiB, 64 KiB, 1 MiB. Errors: THRUM_E_INVALID unless low <= high
 * <= cap. */
THRUM_API int thrum_stream_set_marks(thrum_stream *stream, size_t low,
                                     size_t high, size_t cap);

/* Adds bytes to the queue; they are copied.
 * Errors: THRUM_E_FULL past the cap, THRUM_E_NOMEM, THRUM_E_CLOSED after lose,
 * abort or closed, or when the connection failed; then none of the bytes were
 * taken. */
THRUM_API int thrum_stream_write(thrum_stream *stream, const void *data,
                                 size_t size);

/* Adds all bytes of a buffer to the queue and empties the buffer. When nothing
 * waits to be sent, and both are of one context, they change their memory and
 * nothing is copied. Errors: as write; then
 * the buffer is as it was. */
THRUM_API int thrum_stream_take(thrum_stream *stream, thrum_buffer *bytes);

/* How many bytes wait to be sent. */
THRUM_API size_t thrum_stream_queued(const thrum_stream *stream);

/* No more `received` until resume. Bytes stay with the kernel. */
THRUM_API void thrum_stream_pause(thrum_stream *stream);

/* `received` may come again, never before this returns. */
THRUM_API void thrum_stream_resume(thrum_stream *stream);

/* Sends what is queued, then closes. Calls back: `closed`, later. */
THRUM_API void thrum_stream_lose(thrum_stream *stream);

/* Drops what is queued and resets the connection. Calls back: `closed`, later,
 * with THRUM_REACTOR_E_ABORTED. */
THRUM_API void thrum_stream_abort(thrum_stream *stream);

/* The peer's address, "127.0.0.1:25" or "[::1]:25". Ownership: borrowed. */
THRUM_API const char *thrum_stream_peer(const thrum_stream *stream);

/* The address on this side, in the same form. Ownership: borrowed. */
THRUM_API const char *thrum_stream_name(const thrum_stream *stream);

/* The stream's reactor. Ownership: borrowed. */
THRUM_API thrum_reactor *thrum_stream_reactor(thrum_stream *stream);

/* One more holder. Ownership: returns `stream`. */
THRUM_API thrum_stream *thrum_stream_ref(thrum_stream *stream);

/* One holder less; the last one loses the stream if it is still open, and hears
 * no more of it. Takes a void pointer, to serve as a value's release function.
 * NULL is nothing. */
THRUM_API void thrum_stream_unref(void *stream);

/* Connects over TCP. `host` is a name or an address in figures; a name is
 * looked up (hosts file, then DNS) and its addresses are tried in turn.
 * `within` covers all of it; what is left of it is shared evenly among the
 * addresses that are left. Fires with a thrum_stream. Fails with
 * THRUM_REACTOR_E_RESOLVE, THRUM_REACTOR_E_CONNECT (the last address's errno
 * beneath) or THRUM_REACTOR_E_TIMEOUT; the text names host, port and stage.
 * Cancelling stops the attempt. Ownership: new. Calls back: never before this
 * returns. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_connect_tcp(thrum_reactor *reactor,
                                            const char *host, uint16_t port,
                                            thrum_ns within);

typedef struct thrum_listener thrum_listener;

/* A peer came. Ownership: stream new; without a handler it reads nothing. */
typedef void thrum_accept_fn(thrum_listener *listener, thrum_stream *stream,
                             void *ctx);

/* Listens for TCP. `host` is an address in figures; port 0 takes any free one.
 * Running out of descriptors pauses accepting for 100 ms and is logged.
 * Ownership: new; ctx taken, also on error; *why new, only on error (`why` may
 * be NULL).
 * Errors: NULL, *why says so: THRUM_REACTOR_E_LISTEN, errno beneath. */
THRUM_API thrum_listener *thrum_listen_tcp(thrum_reactor *reactor,
                                           const char *host, uint16_t port,
                                           thrum_accept_fn *accept, void *ctx,
                                           thrum_free_fn *free,
                                           thrum_failure **why);

/* Where it listens, as thrum_stream_name writes it. Ownership: borrowed. */
THRUM_API const char *thrum_listener_name(const thrum_listener *listener);

/* The port it listens at. */
THRUM_API uint16_t thrum_listener_port(const thrum_listener *listener);

/* Stops listening; streams that were accepted stay. Legal from within accept,
 * and after the reactor's end. NULL is nothing. */
THRUM_API void thrum_listener_free(thrum_listener *listener);

THRUM_END

#endif
