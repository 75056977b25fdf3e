/* SPDX-License-Identifier: MIT */
/*
 * What a program trusts and what it shows. Files are read here, once, and not
 * by GnuTLS: so an error names the file and what the system said of it, and
 * what was read of a key is overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reactor/loop.h"
#include "reactor/tls.h"

/* All stores of the system together are a quarter of a megabyte. */
enum { TLS_FILE = 16 * 1024 * 1024, TLS_PIPE = 64 * 1024, TLS_PRIORITY = 2048 };

/* GnuTLS's codes are as small as ours. */
enum { TLS_CODES = -10000 };

static const char *tls_describe(int code)
{
    int error = code - TLS_CODES;

    return error < 0 && gnutls_strerror_name(error) != NULL
               ? gnutls_strerror(error)
               : NULL;
}

const thrum_domain thrum_domain_tls = {"tls", tls_describe};

thrum_failure *thrum__tls_failure(thrum_context *context, int code, int error,
                                  const char *format, ...)
{
    char text[700];
    thrum_failure *failure;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    failure =
        thrum_failure_new(context, &thrum_domain_reactor, code, "%s", text);
    if (error == 0)
        return failure;
    return thrum_failure_because(
        failure,
        thrum_failure_new(context, &thrum_domain_tls, error + TLS_CODES, NULL));
}

/* ---- Files ---- */

typedef struct tls_file {
    const char *path;
    gnutls_datum_t pem;
    size_t room;
} tls_file;

static void tls_file_drop(thrum_tls *tls, tls_file *file)
{
    if (file->pem.data != NULL)
        gnutls_memset(file->pem.data, 0, file->pem.size);
    thrum_context_release(tls->context, file->pem.data);
    file->pem.data = NULL;
}

/* A file as long as it says it is; what says nothing, as a pipe, at most
 * TLS_PIPE. Never resized: that would leave a copy of a key behind. */
static int tls_file_fill(thrum_tls *tls, tls_file *file, int fd)
{
    struct stat about;
    ssize_t got = 1;

    if (fstat(fd, &about) != 0)
        return errno;
    file->room =
        S_ISREG(about.st_mode) ? (size_t)about.st_size + 1 : (size_t)TLS_PIPE;
    if (file->room > TLS_FILE)
        return EFBIG;
    file->pem.data = thrum_context_allocate(tls->context, file->room);
    if (file->pem.data == NULL)
        return ENOMEM;
    while (got > 0 && file->pem.size < file->room) {
        got = read(fd, file->pem.data + file->pem.size,
                   file->room - file->pem.size);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            file->pem.size += (unsigned)got;
    }
    if (got < 0)
        return errno;
    return got > 0 ? EFBIG : 0;
}

/* Ownership: *file is to be dropped, unless this fails. */
static thrum_failure *tls_file_read(thrum_tls *tls, tls_file *file,
                                    const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : tls_file_fill(tls, file, fd);

    file->path = path;
    if (fd >= 0)
        close(fd);
    if (error == 0)
        return NULL;
    tls_file_drop(tls, file);
    if (error == ENOMEM)
        return thrum_failure_no_memory();
    return thrum__reactor_failure(tls->context, THRUM_REACTOR_E_TLS, error,
                                  "cannot read %s", path);
}

static thrum_failure *tls_file_failure(thrum_tls *tls, const tls_file *file,
                                       int error, const char *wrong)
{
    if (error == GNUTLS_E_MEMORY_ERROR)
        return thrum_failure_no_memory();
    return thrum__tls_failure(tls->context, THRUM_REACTOR_E_TLS, error,
                              "%.500s: %s", file->path, wrong);
}

/* ---- Whom to trust ---- */

static thrum_failure *tls_trust_file(thrum_tls *tls, const char *path)
{
    tls_file file = {NULL, {NULL, 0}, 0};
    thrum_failure *why = tls_file_read(tls, &file, path);
    int count;

    if (why != NULL)
        return why;
    count = gnutls_certificate_set_x509_trust_mem(tls->credentials, &file.pem,
                                                  GNUTLS_X509_FMT_PEM);
    if (count <= 0)
        why = tls_file_failure(
            tls, &file, count < 0 ? count : GNUTLS_E_NO_CERTIFICATE_FOUND,
            "holds no certificate to trust");
    tls_file_drop(tls, &file);
    tls->has_trust = true;
    return why;
}

thrum_failure *thrum__tls_trust_system(thrum_tls *tls)
{
    int count;

    if (tls->has_trust)
        return NULL;
    count = gnutls_certificate_set_x509_system_trust(tls->credentials);
    if (count < 0)
        return thrum__tls_failure(tls->context, THRUM_REACTOR_E_TLS, count,
                                  "the system's certificates cannot be read");
    tls->has_trust = true;
    return NULL;
}

/* ---- What to show ---- */

/* Certificates alone, to know which of two files is the wrong one. */
static int tls_count_certificates(const gnutls_datum_t *pem)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    int error = gnutls_x509_crt_list_import2(&list, &count, pem,
                                             GNUTLS_X509_FMT_PEM, 0);

    if (error < 0)
        return error;
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    return 0;
}

static thrum_failure *tls_use_key(thrum_tls *tls, const tls_file *certificate,
                                  const tls_file *key)
{
    int error = tls_count_certificates(&certificate->pem);

    if (error < 0)
        return tls_file_failure(tls, certificate, error,
                                "holds no certificate to show");
    error = gnutls_certificate_set_x509_key_mem2(tls->credentials,
                                                 &certificate->pem, &key->pem,
                                                 GNUTLS_X509_FMT_PEM, NULL, 0);
    if (error == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return thrum__tls_failure(tls->context, THRUM_REACTOR_E_TLS, error,
                                  "%.300s: is not the key of %.300s", key->path,
                                  certificate->path);
    if (error < 0)
        return tls_file_failure(tls, key, error, "holds no key that serves");
    tls->has_certificate = true;
    return NULL;
}

static thrum_failure *tls_show(thrum_tls *tls, const thrum_tls_config *config)
{
    tls_file certificate = {NULL, {NULL, 0}, 0}, key = {NULL, {NULL, 0}, 0};
    thrum_failure *why;

    if (config->certificate_file == NULL)
        return NULL;
    why = tls_file_read(tls, &certificate, config->certificate_file);
    if (why == NULL)
        why =
            tls_file_read(tls, &key,
                          config->key_file != NULL ? config->key_file
                                                   : config->certificate_file);
    if (why == NULL)
        why = tls_use_key(tls, &certificate, &key);
    tls_file_drop(tls, &certificate);
    tls_file_drop(tls, &key);
    return why;
}

/* ---- The rest ---- */

/* RFC 9325: 1.2 and later, whatever the string asks for; and by default keys
 * of the strength of RSA-2048. */
static thrum_failure *tls_set_priority(thrum_tls *tls, const char *priority)
{
    char text[TLS_PRIORITY];
    const char *wrong = NULL;
    int error;
    int size = snprintf(text, sizeof text,
                        "%s:-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1:"
                        "-VERS-DTLS-ALL:-3DES-CBC:-ARCFOUR-128",
                        priority != NULL ? priority : "NORMAL:%PROFILE_MEDIUM");

    if (size >= TLS_PRIORITY)
        return thrum__tls_failure(tls->context, THRUM_REACTOR_E_TLS, 0,
                                  "the priority string is too long");
    error = gnutls_priority_init(&tls->priority, text, &wrong);
    if (error == 0)
        return NULL;
    if (error == GNUTLS_E_MEMORY_ERROR)
        return thrum_failure_no_memory();
    return thrum__tls_failure(tls->context, THRUM_REACTOR_E_TLS, error,
                              "the priority string \"%.200s\" is wrong",
                              priority != NULL ? priority : "NORMAL");
}

static thrum_failure *tls_set_alpn(thrum_tls *tls, const char *const *alpn)
{
    size_t count = 0, bytes = 0;
    char *at;

    for (; alpn != NULL && alpn[count] != NULL; count++) {
        if (alpn[count][0] == '\0' || strlen(alpn[count]) > 255)
            return thrum__tls_failure(tls->context, THRUM_REACTOR_E_TLS, 0,
                                      "an ALPN name has 1 to 255 bytes");
        bytes += strlen(alpn[count]) + 1;
    }
    if (count == 0)
        return NULL;
    tls->alpn =
        thrum_context_allocate(tls->context, count * sizeof *tls->alpn + bytes);
    if (tls->alpn == NULL)
        return thrum_failure_no_memory();
    at = (char *)(tls->alpn + count);
    for (size_t i = 0; i < count; i++) {
        tls->alpn[i].data = (unsigned char *)at;
        tls->alpn[i].size = (unsigned)strlen(alpn[i]);
        memcpy(at, alpn[i], tls->alpn[i].size + 1);
        at += tls->alpn[i].size + 1;
    }
    tls->alpn_count = (unsigned)count;
    return NULL;
}

/* Who shows a certificate may be a server alone, that trusts nobody: then the
 * system's store is read when a client first needs it. */
static thrum_failure *tls_fill(thrum_tls *tls, const thrum_tls_config *config)
{
    thrum_failure *why = NULL;

    if (gnutls_certificate_allocate_credentials(&tls->credentials) != 0)
        return thrum_failure_no_memory();
    tls->verify_clients = config->verify_clients != 0;
    tls->trust_anyone = config->trust_anyone != 0;
    tls->no_tickets = config->no_tickets != 0;
    if (config->trust_file != NULL)
        why = tls_trust_file(tls, config->trust_file);
    else if (config->certificate_file == NULL || tls->verify_clients)
        why = thrum__tls_trust_system(tls);
    if (why == NULL)
        why = tls_show(tls, config);
    if (why == NULL)
        why = tls_set_priority(tls, config->priority);
    if (why == NULL)
        why = tls_set_alpn(tls, config->alpn);
    if (why == NULL && tls->has_certificate && !tls->no_tickets &&
        gnutls_session_ticket_key_generate(&tls->ticket_key) != 0)
        why = thrum_failure_no_memory();
    return why;
}

thrum_tls *thrum_tls_new(thrum_context *context, const thrum_tls_config *config,
                         thrum_failure **why)
{
    static const thrum_tls_config defaults;
    thrum_failure *failure = NULL;
    thrum_tls *tls = thrum_context_allocate(context, sizeof *tls);

    if (tls == NULL) {
        failure = thrum_failure_no_memory();
    } else {
        memset(tls, 0, sizeof *tls);
        tls->context = thrum_context_ref(context);
        tls->refs = 1;
        thrum__link_init(&tls->tickets);
        thrum_buffer_init(&tls->spare, context, SIZE_MAX);
        failure = tls_fill(tls, config != NULL ? config : &defaults);
    }
    if (failure == NULL)
        return tls;
    thrum_tls_unref(tls);
    if (why != NULL)
        *why = failure;
    else
        thrum_failure_unref(failure);
    return NULL;
}

thrum_tls *thrum_tls_ref(thrum_tls *tls)
{
    tls->refs++;
    return tls;
}

/* GnuTLS overwrites the keys that it holds. */
void thrum_tls_unref(thrum_tls *tls)
{
    thrum_context *context;

    if (tls == NULL || --tls->refs > 0)
        return;
    context = tls->context;
    thrum__tls_tickets_clear(tls);
    thrum__tls_wipe(&tls->ticket_key);
    if (tls->priority != NULL)
        gnutls_priority_deinit(tls->priority);
    if (tls->credentials != NULL)
        gnutls_certificate_free_credentials(tls->credentials);
    thrum_context_release(context, tls->alpn);
    thrum_buffer_fini(&tls->spare);
    thrum_context_release(context, tls);
    thrum_context_unref(context);
}
