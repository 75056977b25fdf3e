/* SPDX-License-Identifier: MIT */
/*
 * The words of a script that fails.
 */
#ifndef THRUM_REACTOR_TEST_PEER_H
#define THRUM_REACTOR_TEST_PEER_H

#include <thrum/failure.h>
#include <thrum/test_peer.h>

/* THRUM_REACTOR_E_SCRIPT: step `number` expected these bytes, and those came
 * (NULL: none, `instead` says what). Both are told from a little before the
 * place where they differ, in escaped form. */
thrum_failure *thrum__test_peer_failure(thrum_context *context, unsigned number,
                                        thrum_bytes expected, thrum_bytes came,
                                        const char *instead);

#endif
