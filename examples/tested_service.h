/* SPDX-License-Identifier: MIT */
/*
 * A service that adds: tested_service_main.c serves it over TCP, and
 * test_tested_service.c tests it without a socket and without waiting.
 */
#ifndef TESTED_SERVICE_H
#define TESTED_SERVICE_H

#include <thrum/thrum.h>

/* A peer that says nothing for so long has to leave. */
#define ADDER_PATIENCE (30 * THRUM_S)

/* Serves one peer until it leaves. Ownership: stream taken. */
void adder_serve(thrum_stream *stream);

#endif
