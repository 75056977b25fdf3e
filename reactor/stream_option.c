/* SPDX-License-Identifier: MIT */
/*
 * Options of the TCP socket beneath a stream.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "reactor/stream.h"

/* The questions after the first come every tenth of the time before it. */
enum { KEEPALIVE_QUESTIONS = 3, KEEPALIVE_SHARE = 10 };

/* A UNIX socket refuses what is of TCP; memory has nothing to set. */
static int option_set(thrum_stream *stream, int option, int value)
{
    int fd = stream->transport->ops->descriptor(stream->transport);

    return setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value) == 0
               ? 0
               : THRUM_E_INVALID;
}

int thrum_stream_set_nodelay(thrum_stream *stream, int on)
{
    if (stream->closed)
        return THRUM_E_CLOSED;
    return option_set(stream, TCP_NODELAY, on != 0);
}

/* Whole ones, at least one. */
static int option_seconds(thrum_ns span)
{
    thrum_ns seconds = span / THRUM_S + (span % THRUM_S != 0);

    if (seconds == 0)
        return 1;
    return seconds > INT32_MAX ? INT32_MAX : (int)seconds;
}

static int option_set_keepalive(thrum_stream *stream, int on)
{
    int fd = stream->transport->ops->descriptor(stream->transport);

    return setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0
               ? 0
               : THRUM_E_INVALID;
}

int thrum_stream_set_keepalive(thrum_stream *stream, thrum_ns idle)
{
    int error = idle < 0 ? THRUM_E_INVALID : 0;

    if (stream->closed)
        return THRUM_E_CLOSED;
    if (error == 0)
        error = option_set(stream, TCP_KEEPCNT, KEEPALIVE_QUESTIONS);
    if (error == 0 && idle > 0)
        error = option_set(stream, TCP_KEEPIDLE, option_seconds(idle));
    if (error == 0 && idle > 0)
        error = option_set(stream, TCP_KEEPINTVL,
                           option_seconds(idle / KEEPALIVE_SHARE));
    return error == 0 ? option_set_keepalive(stream, idle > 0) : error;
}
