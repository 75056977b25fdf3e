/* SPDX-License-Identifier: MIT */
/* All of libthrum. */
#ifndef THRUM_THRUM_H
#define THRUM_THRUM_H

#include <thrum/buffer.h>
#include <thrum/connect.h>
#include <thrum/context.h>
#include <thrum/cooperator.h>
#include <thrum/debug.h>
#include <thrum/deferred.h>
#include <thrum/deferred_list.h>
#include <thrum/failure.h>
#include <thrum/group.h>
#include <thrum/health.h>
#include <thrum/host.h>
#include <thrum/lines.h>
#include <thrum/listener.h>
#include <thrum/looping_call.h>
#include <thrum/queue.h>
#include <thrum/reactor.h>
#include <thrum/records.h>
#include <thrum/semaphore.h>
#include <thrum/share.h>
#include <thrum/stream.h>
#include <thrum/test_clock.h>
#include <thrum/test_peer.h>
#include <thrum/thread.h>
#include <thrum/tls.h>
#include <thrum/version.h>

#endif
