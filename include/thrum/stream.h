/* SPDX-License-Identifier: MIT */
/*
 * A stream: bytes both ways between here and a peer, over TCP, a UNIX socket,
 * TLS or memory; what carries them makes no difference to who uses it. What is
 * written in one turn of the loop is sent at its end with one system call, or
 * at once when it passes the high mark.
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
typedef struct thrum_tls thrum_tls;

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
#define thrum_stream_set_handler(stream, handler, ctx, free)                   \
    thrum_stream_set_handler_at((stream), (handler), (ctx), (free),            \
                                #handler THRUM_HERE)

/* thrum_stream_set_handler with the handler's name and the caller's place,
 * "&echo_server (echo.c:33)"; `place` must be static. */
THRUM_API void thrum_stream_set_handler_at(thrum_stream *stream,
                                           const thrum_stream_handler *handler,
                                           void *ctx, thrum_free_fn *free,
                                           const char *place);

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

/* Adds bytes to the queue without copying them: they stay where they are until
 * they were sent, or the stream ended, and free(owner) is called; that may be
 * before this returns. They count for marks and cap as all others do.
 * Ownership: owner taken, on error too. Errors: as write. */
THRUM_API int thrum_stream_write_owned(thrum_stream *stream, const void *data,
                                       size_t size, void *owner,
                                       thrum_free_fn *free);

/* Adds all bytes of a buffer to the queue and empties the buffer. When both are
 * of one context the queue takes over its memory, and nothing is copied but
 * what is small, up to 4 KiB behind other bytes. Errors: as write; then the
 * buffer is as it was. */
THRUM_API int thrum_stream_take(thrum_stream *stream, thrum_buffer *bytes);

/* How many bytes wait to be sent. */
THRUM_API size_t thrum_stream_queued(const thrum_stream *stream);

/* Fires when the queue is at or below the low mark, at once if it is: what a
 * writer waits for that has met THRUM_E_FULL, or sees more queued than it
 * likes. Fails with what made the stream fail. Any number may wait.
 * Ownership: new. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_stream_when_drained(thrum_stream *stream);

/* No more `received` until resume. Bytes stay with the kernel. */
THRUM_API void thrum_stream_pause(thrum_stream *stream);

/* `received` may come again, never before this returns. */
THRUM_API void thrum_stream_resume(thrum_stream *stream);

/* Sends what is queued, then tells the peer that no more will come; bytes are
 * still received. Errors: THRUM_E_CLOSED as write. */
THRUM_API int thrum_stream_lose_write(thrum_stream *stream);

/* Sends what is queued, then closes. Calls back: `closed`, later. */
THRUM_API void thrum_stream_lose(thrum_stream *stream);

/* Drops what is queued and resets the connection. Calls back: `closed`, later,
 * with THRUM_REACTOR_E_ABORTED. */
THRUM_API void thrum_stream_abort(thrum_stream *stream);

/* The stream is aborted with THRUM_REACTOR_E_TIMEOUT when nothing was received
 * for `idle`, or when bytes wait and the peer took none for `write`; a stream
 * that rests (pause) is not idle. 0: never, the default.
 * Errors: THRUM_E_NOMEM, and nothing has changed. */
THRUM_API int thrum_stream_set_deadlines(thrum_stream *stream, thrum_ns idle,
                                         thrum_ns write);

/* Whether small segments leave at once (TCP_NODELAY), as they do by default.
 * Errors: THRUM_E_INVALID, not TCP underneath; THRUM_E_CLOSED. */
THRUM_API int thrum_stream_set_nodelay(thrum_stream *stream, int on);

/* Asks a silent peer whether it lives, after `idle` and then every tenth of it,
 * and fails after three questions without an answer (SO_KEEPALIVE). 0: never,
 * the default. Whole seconds, rounded up. Errors: THRUM_E_INVALID, not TCP
 * underneath, or more than the system allows; THRUM_E_CLOSED. */
THRUM_API int thrum_stream_set_keepalive(thrum_stream *stream, thrum_ns idle);

/* The peer's address: "127.0.0.1:25", "[::1]:25", "unix:/path" ("unix:" of one
 * without a name), "memory". Ownership: borrowed. */
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

/* Makes two streams that are each other's peers, in memory alone: what is
 * written to one is told by the other in the next turn.
 * Ownership: both new. Errors: THRUM_E_NOMEM, THRUM_REACTOR_E_STOPPED, the
 * reactor is being freed; and neither is there. */
THRUM_API int thrum_stream_pair(thrum_reactor *reactor, thrum_stream **one,
                                thrum_stream **other);

THRUM_END

#endif
