/* SPDX-License-Identifier: MIT */
/*
 * A peer with a script, for the tests of a service: it sits at the other end of
 * a stream (thrum_stream_pair, or a real one), and sends, expects, waits and
 * closes, in the order written. With a reactor on a test clock
 * (thrum_reactor_config, thrum_reactor_turn) nothing sleeps.
 *
 *     thrum_test_peer *peer = thrum_test_peer_new(other);
 *
 *     thrum_test_peer_expect(peer, "HELLO\r\n");
 *     thrum_test_peer_send(peer, "WELCOME\r\n");
 *     thrum_test_peer_expect_end(peer);
 *     played = thrum_test_peer_play(peer);
 */
#ifndef THRUM_TEST_PEER_H
#define THRUM_TEST_PEER_H

#include <thrum/stream.h>

THRUM_BEGIN

typedef struct thrum_test_peer thrum_test_peer;

/* Makes a peer with an empty script. It hears of its stream from now on, and
 * keeps what comes for the play.
 * Ownership: new; stream taken. Errors: NULL, no memory: adding steps to it is
 * nothing, and thrum_test_peer_play answers NULL. */
THRUM_API thrum_test_peer *thrum_test_peer_new(thrum_stream *stream);

/* Adds a step: sends this text. No memory in any of these is the failure of
 * thrum_test_peer_play. */
THRUM_API void thrum_test_peer_send(thrum_test_peer *peer, const char *text);

/* The same for any bytes; they are copied. `piece` is how many are sent in a
 * turn: 1 tries a parser bytewise; 0: all. */
THRUM_API void thrum_test_peer_send_bytes(thrum_test_peer *peer,
                                          const void *data, size_t size,
                                          size_t piece);

/* Adds a step: exactly this text comes next, in whatever pieces. */
THRUM_API void thrum_test_peer_expect(thrum_test_peer *peer, const char *text);

/* The same for any bytes; they are copied. */
THRUM_API void thrum_test_peer_expect_bytes(thrum_test_peer *peer,
                                            const void *data, size_t size);

/* Adds a step: bytes up to and with `text`, whatever they are; `got` (may be
 * NULL) gets them, its cap is theirs. */
THRUM_API void thrum_test_peer_expect_until(thrum_test_peer *peer,
                                            const char *text,
                                            thrum_buffer *got);

/* Adds a step: the other side says that no more will come. */
THRUM_API void thrum_test_peer_expect_end(thrum_test_peer *peer);

/* Adds a step: waits, on the reactor's clock. Bytes that come meanwhile are for
 * the next step. */
THRUM_API void thrum_test_peer_delay(thrum_test_peer *peer, thrum_ns span);

/* Adds a step: reads nothing for so long, as a peer that is slow. */
THRUM_API void thrum_test_peer_stall(thrum_test_peer *peer, thrum_ns span);

/* Adds a step: closes (thrum_stream_lose). */
THRUM_API void thrum_test_peer_close(thrum_test_peer *peer);

/* Adds a step: resets (thrum_stream_abort), in the next turn if something waits
 * to be sent. */
THRUM_API void thrum_test_peer_abort(thrum_test_peer *peer);

/* Plays the steps that were not played yet, so a test may add some, play, look,
 * add more and play again. Fires without a value at their end. Fails with
 * THRUM_REACTOR_E_SCRIPT when something else came: the text names the step,
 * counted from 1, what was expected and what came, as C writes it; and with
 * what ended the stream too early. The stream stays open unless the script
 * closed it. Cancelling stops the play where it is.
 * Ownership: new. Calls back: never before this returns. Errors: NULL, no
 * memory; THRUM_E_INVALID, it is being played; THRUM_REACTOR_E_STOPPED, the
 * reactor has ended. */
THRUM_API thrum_deferred *thrum_test_peer_play(thrum_test_peer *peer);

/* Frees it, and its stream; what is being played fails with
 * THRUM_REACTOR_E_ABORTED. Legal from within what the play's end is told to,
 * and after the reactor's end. NULL is nothing. */
THRUM_API void thrum_test_peer_free(thrum_test_peer *peer);

THRUM_END

#endif
