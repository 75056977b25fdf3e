/* SPDX-License-Identifier: MIT */
/*
 * What every public header needs: the mark of an exported function, the
 * one type of release function, and time.
 */
#ifndef THRUM_API_H
#define THRUM_API_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define THRUM_BEGIN extern "C" {
#define THRUM_END }
#else
#define THRUM_BEGIN
#define THRUM_END
#endif

#if defined(__GNUC__)
#define THRUM_API __attribute__((__visibility__("default")))
#define THRUM_PRINTF(at, first) __attribute__((__format__(printf, at, first)))
#else
#define THRUM_API
#define THRUM_PRINTF(at, first)
#endif

/* The place where a macro is used: " (service.c:42)". */
#define THRUM_HERE " (" __FILE__ ":" THRUM_TEXT_OF(__LINE__) ")"
#define THRUM_TEXT_OF(what) THRUM_TEXT(what)
#define THRUM_TEXT(what) #what

THRUM_BEGIN

/* Releases a value or the context of a callback. Runs exactly once, also when
 * the callback never ran. NULL wherever one is asked for: nothing to release.
 */
typedef void thrum_free_fn(void *what);

/* A time or a span of time in nanoseconds. */
typedef int64_t thrum_ns;

/* Spans of time to multiply: 10 * THRUM_MS. */
#define THRUM_US ((thrum_ns)1000)
#define THRUM_MS ((thrum_ns)1000000)
#define THRUM_S ((thrum_ns)1000000000)

/* Bytes that belong to somebody else; not ended by a NUL. */
typedef struct thrum_bytes {
    const char *data;
    size_t size;
} thrum_bytes;

THRUM_END

#endif
