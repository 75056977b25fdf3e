/* SPDX-License-Identifier: MIT */
#include <thrum/smtp.h>

const char *thrum_smtp_mode_name(thrum_smtp_mode mode)
{
    static const char *const names[] = {
        [THRUM_SMTP_MODE_BEST] = "",
        [THRUM_SMTP_MODE_LOCKSTEP] = "lockstep",
        [THRUM_SMTP_MODE_PIPELINED] = "pipelined",
        [THRUM_SMTP_MODE_ACROSS] = "across messages",
        [THRUM_SMTP_MODE_CHUNKED] = "chunked",
    };
    size_t index = (size_t)mode;

    return index < sizeof names / sizeof *names ? names[index] : "";
}

const char *thrum_smtp_mechanism_name(thrum_smtp_mechanism mechanism)
{
    switch (mechanism) {
    case THRUM_SMTP_PLAIN:
        return "PLAIN";
    case THRUM_SMTP_LOGIN:
        return "LOGIN";
    case THRUM_SMTP_CRAM_MD5:
        return "CRAM-MD5";
    case THRUM_SMTP_SCRAM_SHA_1:
        return "SCRAM-SHA-1";
    case THRUM_SMTP_SCRAM_SHA_256:
        return "SCRAM-SHA-256";
    case THRUM_SMTP_XOAUTH2:
        return "XOAUTH2";
    case THRUM_SMTP_OAUTHBEARER:
        return "OAUTHBEARER";
    }
    return "";
}
