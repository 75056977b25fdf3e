/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/sink_path.h"
#include "cli/sink_sasl.h"

/* ---- Words ---- */

bool sink_word_take(thrum_bytes *rest, char end, thrum_bytes *word)
{
    const char *at =
        rest->size > 0 ? memchr(rest->data, end, rest->size) : NULL;

    if (at == NULL)
        return false;
    word->data = rest->data;
    word->size = (size_t)(at - rest->data);
    rest->data = at + 1;
    rest->size -= word->size + 1;
    return true;
}

bool sink_prefix_take(thrum_bytes *rest, const char *words)
{
    size_t size = strlen(words);

    if (rest->size < size || memcmp(rest->data, words, size) != 0)
        return false;
    rest->data += size;
    rest->size -= size;
    return true;
}

/* "=2C" is a comma, "=3D" an equals sign; neither stands for itself. */
bool sink_saslname_is_user(const sink_sasl *sasl, thrum_bytes said)
{
    thrum_bytes user = sasl->account->user;
    size_t i = 0;

    while (said.size > 0) {
        char byte = said.data[0];

        if (sink_prefix_take(&said, "=2C"))
            byte = ',';
        else if (sink_prefix_take(&said, "=3D"))
            byte = '=';
        else if (byte == '=' || byte == ',')
            return false;
        else {
            said.data++;
            said.size--;
        }
        if (i == user.size || user.data[i++] != byte)
            return false;
    }
    return i == user.size;
}

static bool is_user(const sink_sasl *sasl, thrum_bytes said)
{
    return sink_is_same(said, sasl->account->user);
}

static bool is_password(const sink_sasl *sasl, thrum_bytes said)
{
    return sink_is_same(said, sasl->account->password);
}

/* Both are asked for first: which one was wrong is not to be told by time. */
static sink_sasl_answer good_if(bool user, bool password)
{
    return user && password ? SINK_SASL_GOOD : SINK_SASL_BAD;
}

sink_sasl_answer sink_sasl_challenge(sink_sasl *sasl, const char *data,
                                     size_t size)
{
    thrum_buffer_clear(&sasl->challenge);
    return thrum_buffer_append(&sasl->challenge, data, size) == 0
               ? SINK_SASL_GO_ON
               : SINK_SASL_NOMEM;
}

/* ---- PLAIN ---- */

/* [who to act for] NUL user NUL password; one acts for oneself only. */
static sink_sasl_answer plain_take(sink_sasl *sasl, thrum_bytes said)
{
    thrum_bytes actor, user;

    if (!sink_word_take(&said, '\0', &actor) ||
        !sink_word_take(&said, '\0', &user) || user.size == 0 ||
        said.size == 0 || memchr(said.data, '\0', said.size) != NULL)
        return SINK_SASL_WRONG;
    if (actor.size > 0 && !is_user(sasl, actor))
        return SINK_SASL_BAD;
    return good_if(is_user(sasl, user), is_password(sasl, said));
}

/* ---- LOGIN ---- */

static sink_sasl_answer login_begin(sink_sasl *sasl)
{
    return sink_sasl_challenge(sasl, "Username:", 9);
}

static sink_sasl_answer login_take(sink_sasl *sasl, thrum_bytes said)
{
    if (sasl->step == 0) {
        sasl->right = is_user(sasl, said);
        return sink_sasl_challenge(sasl, "Password:", 9);
    }
    return good_if(sasl->right, is_password(sasl, said));
}

/* ---- CRAM-MD5 ---- */

static sink_sasl_answer cram_begin(sink_sasl *sasl)
{
    thrum_buffer_clear(&sasl->challenge);
    return thrum_buffer_format(&sasl->challenge, "<%s>", sasl->nonce) == 0
               ? SINK_SASL_GO_ON
               : SINK_SASL_NOMEM;
}

static sink_sasl_answer cram_take(sink_sasl *sasl, thrum_bytes said)
{
    static const char digits[] = "0123456789abcdef";
    thrum_bytes challenge = {sasl->challenge.data, sasl->challenge.size};
    const char *blank =
        said.size > 0 ? memrchr(said.data, ' ', said.size) : NULL;
    thrum_bytes user = said, digest = said;
    unsigned char wanted[SINK_DIGEST_MAX];
    char text[32];

    if (blank == NULL)
        return SINK_SASL_WRONG;
    user.size = (size_t)(blank - said.data);
    digest.data = blank + 1;
    digest.size = said.size - user.size - 1;
    sink_hmac(SINK_MD5, sasl->account->password, challenge, wanted);
    for (size_t i = 0; i < 16; i++) {
        text[2 * i] = digits[wanted[i] >> 4];
        text[2 * i + 1] = digits[wanted[i] & 15];
    }
    return good_if(is_user(sasl, user),
                   sink_is_same(digest, (thrum_bytes){text, sizeof text}));
}

/* ---- XOAUTH2 and OAUTHBEARER ---- */

/* The refusal comes as a challenge; whatever is answered, 535 follows. */
static sink_sasl_answer token_judge(sink_sasl *sasl, sink_sasl_answer found,
                                    const char *words)
{
    return found == SINK_SASL_GOOD
               ? found
               : sink_sasl_challenge(sasl, words, strlen(words));
}

static sink_sasl_answer xoauth_take(sink_sasl *sasl, thrum_bytes said)
{
    thrum_bytes user, token;

    if (sasl->step > 0)
        return said.size == 0 ? SINK_SASL_BAD : SINK_SASL_WRONG;
    if (!sink_prefix_take(&said, "user=") ||
        !sink_word_take(&said, '\1', &user) ||
        !sink_prefix_take(&said, "auth=Bearer ") ||
        !sink_word_take(&said, '\1', &token) || said.size != 1 ||
        said.data[0] != '\1')
        return SINK_SASL_WRONG;
    return token_judge(sasl,
                       good_if(is_user(sasl, user), is_password(sasl, token)),
                       "{\"status\":\"401\",\"schemes\":\"bearer\","
                       "\"scope\":\"mail\"}");
}

/* A key, as RFC 7628 (3.1) writes it: letters. */
static bool bearer_is_key(thrum_bytes key)
{
    for (size_t i = 0; i < key.size; i++)
        if ((key.data[i] | 32) < 'a' || (key.data[i] | 32) > 'z')
            return false;
    return key.size > 0;
}

/* Pairs, each ended by ^A, and one more at the end: `token` is "auth"'s. */
static bool bearer_read_pairs(thrum_bytes said, thrum_bytes *token)
{
    thrum_bytes pair, key;
    bool ended = false;

    token->data = NULL;
    if (!sink_prefix_take(&said, "\1"))
        return false;
    while (!ended && sink_word_take(&said, '\1', &pair)) {
        ended = pair.size == 0;
        if (ended)
            continue;
        if (!sink_word_take(&pair, '=', &key) || !bearer_is_key(key))
            return false;
        if (!sink_path_is_word(key, "AUTH", 4))
            continue;
        if (token->data != NULL || !sink_prefix_take(&pair, "Bearer "))
            return false;
        *token = pair;
    }
    return said.size == 0 && ended && token->data != NULL;
}

static sink_sasl_answer bearer_take(sink_sasl *sasl, thrum_bytes said)
{
    thrum_bytes flag, actor, token;

    if (sasl->step > 0)
        return said.size == 1 && said.data[0] == '\1' ? SINK_SASL_BAD
                                                      : SINK_SASL_WRONG;
    if (!sink_word_take(&said, ',', &flag) ||
        !sink_word_take(&said, ',', &actor) ||
        (!sink_path_is_word(flag, "N", 1) && !sink_path_is_word(flag, "Y", 1)))
        return SINK_SASL_WRONG;
    if (actor.size > 0 && !sink_prefix_take(&actor, "a="))
        return SINK_SASL_WRONG;
    if (!bearer_read_pairs(said, &token))
        return SINK_SASL_WRONG;
    return token_judge(
        sasl,
        good_if(actor.size == 0 || sink_saslname_is_user(sasl, actor),
                is_password(sasl, token)),
        "{\"status\":\"invalid_token\",\"scope\":\"mail\"}");
}

/* ---- All of them ---- */

static const sink_mechanism mechanisms[] = {
    {.name = "SCRAM-SHA-256",
     .client_first = true,
     .hash = SINK_SHA256,
     .take = sink_scram_take},
    {.name = "SCRAM-SHA-1",
     .client_first = true,
     .hash = SINK_SHA1,
     .take = sink_scram_take},
    {.name = "PLAIN", .client_first = true, .take = plain_take},
    {.name = "LOGIN",
     .client_first = true,
     .begin = login_begin,
     .take = login_take},
    {.name = "CRAM-MD5", .begin = cram_begin, .take = cram_take},
    {.name = "XOAUTH2", .client_first = true, .take = xoauth_take},
    {.name = "OAUTHBEARER", .client_first = true, .take = bearer_take},
};

const char sink_mechanism_names[] =
    " SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER";

const sink_mechanism *sink_mechanism_find(thrum_bytes name)
{
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (sink_path_is_word(name, mechanisms[i].name,
                              strlen(mechanisms[i].name)))
            return &mechanisms[i];
    return NULL;
}

void sink_sasl_init(sink_sasl *sasl, thrum_context *context,
                    const sink_account *account,
                    const sink_mechanism *mechanism, const char *nonce)
{
    memset(sasl, 0, sizeof *sasl);
    sasl->account = account;
    sasl->mechanism = mechanism;
    thrum_buffer_init(&sasl->challenge, context, SINK_SASL_MOST);
    thrum_buffer_init(&sasl->said, context, 3 * SINK_SASL_MOST);
    memcpy(sasl->nonce, nonce, strnlen(nonce, sizeof sasl->nonce - 1));
}

void sink_sasl_fini(sink_sasl *sasl)
{
    thrum_buffer_fini(&sasl->challenge);
    thrum_buffer_fini(&sasl->said);
    explicit_bzero(sasl, sizeof *sasl);
}

sink_sasl_answer sink_sasl_begin(sink_sasl *sasl)
{
    return sasl->mechanism->begin != NULL ? sasl->mechanism->begin(sasl)
                                          : sink_sasl_challenge(sasl, "", 0);
}

sink_sasl_answer sink_sasl_take(sink_sasl *sasl, thrum_bytes said)
{
    sink_sasl_answer answer = sasl->mechanism->take(sasl, said);

    sasl->step++;
    return answer;
}
