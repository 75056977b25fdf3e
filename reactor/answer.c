/* SPDX-License-Identifier: MIT */
/*
 * The answer section is walked from its beginning for each alias that is
 * followed, then twice for the records: to count them, and to write them down.
 * A name is read with the pointers of RFC 1035, section 4.1.4; each must lead
 * further back than all before it, so no chain of them goes round.
 */
#include "reactor/answer.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "reactor/host.h"

/* Nobody has as many records, and what is done with them may cost their
 * square. */
enum { ANSWER_MOST = 512 };
/* Aliases in a row; resolvers follow fewer. */
enum { ANSWER_ALIASES = 16 };
enum { ANSWER_HEAD = 12, ANSWER_CLASS_IN = 1, ANSWER_RCODE = 0x0f };
enum { ANSWER_NOERROR = 0, ANSWER_NXDOMAIN = 3 };

typedef struct answer_reader {
    const unsigned char *message;
    size_t size, at;
    unsigned left; /* records of the answer section still to come */
    size_t start;  /* of that section */
    unsigned records;
    bool broken;
} answer_reader;

/* One record as it stands in the message. */
typedef struct answer_item {
    char owner[THRUM_HOST_ROOM];
    bool odd; /* the owner is no host's name */
    unsigned type, class;
    uint32_t ttl;
    size_t data, size;
} answer_item;

/* Records on their way into the answer; without `out` they are counted. */
typedef struct answer_writer {
    thrum__answer *out;
    char *text;  /* where the next one's begins */
    size_t room; /* texts need altogether */
    size_t count;
    bool refused;   /* a host that is the root: no such service */
    bool malformed; /* one was left out */
} answer_writer;

static unsigned answer_u16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* RFC 2181, section 8: a time with the topmost bit set is none. */
static uint32_t answer_ttl(const unsigned char *at)
{
    uint32_t ttl = (uint32_t)answer_u16(at) << 16 | answer_u16(at + 2);

    return ttl > INT32_MAX ? 0 : ttl;
}

static bool answer_has(const answer_reader *self, size_t size)
{
    return size <= self->size - self->at;
}

static char answer_octet(unsigned char octet, bool *odd)
{
    if (octet >= 'A' && octet <= 'Z')
        return (char)(octet - 'A' + 'a');
    if (!(octet >= 'a' && octet <= 'z') && !(octet >= '0' && octet <= '9') &&
        octet != '-' && octet != '_')
        *odd = true;
    return (char)octet;
}

/* Adds a label to `name`, with a dot before it. Returns false: too long. */
static bool answer_add_label(char name[THRUM_HOST_ROOM], size_t *used,
                             const unsigned char *label, bool *odd)
{
    size_t size = label[0];

    if (*used + size + 2 > THRUM_HOST_ROOM)
        return false;
    if (*used > 0)
        name[(*used)++] = '.';
    for (size_t i = 1; i <= size; i++)
        name[(*used)++] = answer_octet(label[i], odd);
    return true;
}

/* Reads the name at *at, and goes past it; the root reads "". *odd: a label has
 * octets that no host's has. Returns false: it is malformed. */
static bool answer_name(const answer_reader *self, size_t *at,
                        char name[THRUM_HOST_ROOM], bool *odd)
{
    const unsigned char *message = self->message;
    size_t used = 0, here = *at, lowest = *at;
    bool jumped = false;

    *odd = false;
    while (here < self->size && message[here] != 0) {
        size_t length = message[here];

        if (length < 0x40) {
            if (length >= self->size - here ||
                !answer_add_label(name, &used, message + here, odd))
                return false;
            here += length + 1;
        } else if (length >= 0xc0 && here + 1 < self->size) {
            if (!jumped)
                *at = here + 2;
            jumped = true;
            here = answer_u16(message + here) & 0x3fff;
            if (here >= lowest)
                return false;
            lowest = here;
        } else {
            return false;
        }
    }
    if (here >= self->size)
        return false;
    if (!jumped)
        *at = here + 1;
    name[used] = '\0';
    return true;
}

static void answer_rewind(answer_reader *self)
{
    self->at = self->start;
    self->left = self->records;
}

/* Goes to the answer section. */
static void answer_open(answer_reader *self, const unsigned char *message,
                        size_t size)
{
    char name[THRUM_HOST_ROOM];
    unsigned questions;
    bool odd;

    *self = (answer_reader){.message = message, .size = size};
    self->broken = size < ANSWER_HEAD;
    if (self->broken)
        return;
    self->at = ANSWER_HEAD;
    self->records = answer_u16(message + 6);
    for (questions = answer_u16(message + 4); questions > 0; questions--) {
        self->broken =
            !answer_name(self, &self->at, name, &odd) || !answer_has(self, 4);
        if (self->broken)
            return;
        self->at += 4;
    }
    self->start = self->at;
    answer_rewind(self);
}

/* Reads the next record of the section; false at its end, or where it is
 * malformed. */
static bool answer_next(answer_reader *self, answer_item *item)
{
    const unsigned char *fixed;

    if (self->broken || self->left == 0)
        return false;
    self->broken = !answer_name(self, &self->at, item->owner, &item->odd) ||
                   !answer_has(self, 10);
    if (self->broken)
        return false;
    fixed = self->message + self->at;
    item->type = answer_u16(fixed);
    item->class = answer_u16(fixed + 2);
    item->ttl = answer_ttl(fixed + 4);
    item->size = answer_u16(fixed + 8);
    self->at += 10;
    item->data = self->at;
    self->broken = !answer_has(self, item->size);
    if (self->broken)
        return false;
    self->at += item->size;
    self->left--;
    return true;
}

/* The next record of a type that belongs to `name`. */
static bool answer_find(answer_reader *self, const char *name, unsigned type,
                        answer_item *item)
{
    while (answer_next(self, item))
        if (item->type == type && item->class == ANSWER_CLASS_IN &&
            !item->odd && strcmp(item->owner, name) == 0)
            return true;
    return false;
}

/* Reads the name that ends a record's data, after `skip` octets. */
static bool answer_target(const answer_reader *self, const answer_item *item,
                          size_t skip, char name[THRUM_HOST_ROOM])
{
    size_t at = item->data + skip;
    bool odd;

    return item->size > skip && answer_name(self, &at, name, &odd) && !odd &&
           at == item->data + item->size;
}

/* Makes `name` the last one of its aliases. Returns NULL, or what is wrong. */
static const char *answer_follow(answer_reader *self,
                                 char name[THRUM_HOST_ROOM], uint32_t *ttl)
{
    answer_item item;
    char target[THRUM_HOST_ROOM];

    for (int i = 0; i <= ANSWER_ALIASES; i++) {
        answer_rewind(self);
        if (!answer_find(self, name, THRUM__DNS_CNAME, &item))
            return NULL;
        if (!answer_target(self, &item, 0, target) || target[0] == '\0')
            return "malformed answer";
        if (item.ttl < *ttl)
            *ttl = item.ttl;
        memcpy(name, target, sizeof target);
    }
    return "too many aliases in a row, or in a circle";
}

/* Adds a record, and answers where its text of `size` octets is to stand; NULL
 * while they are counted. */
static char *answer_add(answer_writer *self, size_t size, thrum_record record)
{
    char *text = self->text;

    self->count++;
    self->room += size + 1;
    if (self->out == NULL)
        return NULL;
    text[size] = '\0';
    record.text = text;
    record.size = size;
    self->out->records[self->count - 1] = record;
    self->text += size + 1;
    return text;
}

static void answer_add_text(answer_writer *self, const char *text,
                            thrum_record record)
{
    size_t size = strlen(text);
    char *place = answer_add(self, size, record);

    if (place != NULL)
        memcpy(place, text, size);
}

/* RFC 7505 and 2782: the root as the host says that there is none. */
static void answer_add_host(answer_writer *self, const answer_reader *reader,
                            const answer_item *item, size_t skip,
                            thrum_record record)
{
    char host[THRUM_HOST_ROOM];

    if (!answer_target(reader, item, skip, host))
        self->malformed = true;
    else if (host[0] == '\0')
        self->refused = true;
    else
        answer_add_text(self, host, record);
}

static void answer_add_address(answer_writer *self, const answer_reader *reader,
                               const answer_item *item)
{
    char text[INET6_ADDRSTRLEN];
    int family = item->type == THRUM__DNS_A ? AF_INET : AF_INET6;
    size_t size = family == AF_INET ? 4 : 16;

    if (item->size != size || inet_ntop(family, reader->message + item->data,
                                        text, sizeof text) == NULL) {
        self->malformed = true;
        return;
    }
    answer_add_text(self, text, (thrum_record){0});
}

/* How long the strings of a TXT record are together. Returns false: they do not
 * end where the record does. */
static bool answer_strings(const unsigned char *data, size_t left, size_t *size)
{
    *size = 0;
    if (left == 0)
        return false;
    while (left > 0 && data[0] < left) {
        *size += data[0];
        left -= data[0] + 1u;
        data += data[0] + 1;
    }
    return left == 0;
}

/* The strings of one record are one text (RFC 7208, section 3.3). */
static void answer_add_strings(answer_writer *self, const answer_reader *reader,
                               const answer_item *item)
{
    const unsigned char *data = reader->message + item->data;
    const unsigned char *end = data + item->size;
    size_t size;
    char *place;

    if (!answer_strings(data, item->size, &size)) {
        self->malformed = true;
        return;
    }
    place = answer_add(self, size, (thrum_record){0});
    for (; place != NULL && data < end; data += data[0] + 1) {
        memcpy(place, data + 1, data[0]);
        place += data[0];
    }
}

static void answer_add_item(answer_writer *self, const answer_reader *reader,
                            const answer_item *item)
{
    const unsigned char *data = reader->message + item->data;
    thrum_record record = {0};

    if (item->type == THRUM__DNS_MX && item->size > 2) {
        record.priority = (uint16_t)answer_u16(data);
        answer_add_host(self, reader, item, 2, record);
    } else if (item->type == THRUM__DNS_SRV && item->size > 6) {
        record.priority = (uint16_t)answer_u16(data);
        record.weight = (uint16_t)answer_u16(data + 2);
        record.port = (uint16_t)answer_u16(data + 4);
        answer_add_host(self, reader, item, 6, record);
    } else if (item->type == THRUM__DNS_A || item->type == THRUM__DNS_AAAA) {
        answer_add_address(self, reader, item);
    } else if (item->type == THRUM__DNS_TXT) {
        answer_add_strings(self, reader, item);
    } else {
        self->malformed = true;
    }
}

static void answer_collect(answer_writer *self, answer_reader *reader,
                           const char *name, int type, uint32_t *ttl)
{
    answer_item item;

    answer_rewind(reader);
    while (self->count < ANSWER_MOST &&
           answer_find(reader, name, (unsigned)type, &item)) {
        answer_add_item(self, reader, &item);
        if (item.ttl < *ttl)
            *ttl = item.ttl;
    }
}

static thrum__answer *answer_new(thrum_context *context, size_t count,
                                 size_t room)
{
    size_t size = sizeof(thrum__answer) + count * sizeof(thrum_record) + room;
    thrum__answer *self = thrum_context_allocate(context, size);

    if (self == NULL)
        return NULL;
    *self = (thrum__answer){
        .context = thrum_context_ref(context), .refs = 1, .size = size};
    return self;
}

thrum__answer *thrum__answer_none(thrum_context *context,
                                  thrum__answer_kind kind, const char *words)
{
    thrum__answer *self = answer_new(context, 0, 0);

    if (self != NULL) {
        self->kind = kind;
        self->words = words;
    }
    return self;
}

static thrum__answer *answer_of_none(thrum_context *context,
                                     const answer_writer *counted, uint32_t ttl)
{
    thrum__answer *self;

    if (counted->refused) {
        self = thrum__answer_none(context, THRUM__ANSWER_NOT_OFFERED,
                                  "it says that it has no such service");
        if (self != NULL)
            self->ttl = ttl;
        return self;
    }
    if (counted->malformed)
        return thrum__answer_none(context, THRUM__ANSWER_FAILED,
                                  "malformed answer");
    return thrum__answer_none(context, THRUM__ANSWER_NO_RECORDS,
                              "it has no records of this type");
}

static thrum__answer *answer_of_code(thrum_context *context, unsigned code)
{
    if (code == ANSWER_NXDOMAIN)
        return thrum__answer_none(context, THRUM__ANSWER_NO_NAME,
                                  "there is no such name");
    return thrum__answer_none(context, THRUM__ANSWER_FAILED,
                              "the name server could not answer");
}

thrum__answer *thrum__answer_parse(thrum_context *context,
                                   const unsigned char *message, size_t size,
                                   const char *name, int type)
{
    answer_reader reader;
    answer_writer counted = {0}, written = {0};
    char last[THRUM_HOST_ROOM] = "";
    const char *wrong;
    uint32_t ttl = INT32_MAX;

    answer_open(&reader, message, size);
    if (!reader.broken && (message[3] & ANSWER_RCODE) != ANSWER_NOERROR)
        return answer_of_code(context, message[3] & ANSWER_RCODE);
    strncpy(last, name, sizeof last - 1);
    wrong = answer_follow(&reader, last, &ttl);
    if (wrong == NULL)
        answer_collect(&counted, &reader, last, type, &ttl);
    if (reader.broken)
        wrong = "malformed answer";
    if (wrong != NULL)
        return thrum__answer_none(context, THRUM__ANSWER_FAILED, wrong);
    if (counted.count == 0)
        return answer_of_none(context, &counted, ttl);
    written.out = answer_new(context, counted.count, counted.room);
    if (written.out == NULL)
        return NULL;
    written.text = (char *)&written.out->records[counted.count];
    answer_collect(&written, &reader, last, type, &ttl);
    written.out->count = written.count;
    written.out->ttl = ttl;
    return written.out;
}

thrum__answer *thrum__answer_ref(thrum__answer *answer)
{
    answer->refs++;
    return answer;
}

void thrum__answer_unref(thrum__answer *answer)
{
    thrum_context *context;

    if (answer == NULL || --answer->refs > 0)
        return;
    context = answer->context;
    thrum_context_release(context, answer);
    thrum_context_unref(context);
}
