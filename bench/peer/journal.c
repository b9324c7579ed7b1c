#include "bench/peer/journal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Longest line: names and reasons are at most 64 bytes, six times that when
 * escaped, and a dozen numbers of 20 digits. */
#define LINE_MAX_BYTES 1024

struct line {
  size_t len;
  char text[LINE_MAX_BYTES];
};

/* ---- pieces ------------------------------------------------------------------- */

static void put(struct line *l, const char *text, size_t len) {
  if (len > sizeof l->text - l->len)
    len = sizeof l->text - l->len;
  memcpy(l->text + l->len, text, len);
  l->len += len;
}

#define PUT(l, literal) put(l, literal, sizeof(literal) - 1)

static void put_number(struct line *l, uint64_t v) {
  char digits[20];
  size_t at = sizeof digits;
  do
    digits[--at] = (char)('0' + v % 10);
  while (v /= 10);
  put(l, digits + at, sizeof digits - at);
}

static void put_hex(struct line *l, const uint8_t *bytes, size_t len) {
  static const char digit[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    const char two[2] = {digit[bytes[i] >> 4], digit[bytes[i] & 15]};
    put(l, two, 2);
  }
}

/* Text of a peer: everything outside printable ASCII is escaped. */
static void put_text(struct line *l, const char *text) {
  PUT(l, "\"");
  for (size_t n = 0; *text && n < 64; text++, n++) {
    const unsigned char c = (unsigned char)*text;
    const uint8_t byte = c;
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
      put(l, text, 1);
    else {
      PUT(l, "\\u00");
      put_hex(l, &byte, 1);
    }
  }
  PUT(l, "\"");
}

static void put_address(struct line *l, const struct qc_addr *addr) {
  char ip[INET6_ADDRSTRLEN] = "?", text[INET6_ADDRSTRLEN + 16];
  if (addr->sa.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &addr->in6.sin6_addr, ip, sizeof ip);
    snprintf(text, sizeof text, "[%s]:%u", ip, ntohs(addr->in6.sin6_port));
  } else {
    inet_ntop(AF_INET, &addr->in.sin_addr, ip, sizeof ip);
    snprintf(text, sizeof text, "%s:%u", ip, ntohs(addr->in.sin_port));
  }
  put_text(l, text);
}

static void begin(struct line *l, const char *ev, uint64_t t) {
  l->len = 0;
  PUT(l, "{\"ev\":\"");
  put(l, ev, strlen(ev));
  PUT(l, "\",\"t\":");
  put_number(l, t);
}

static void put_track(struct line *l, const char *track) {
  PUT(l, ",\"track\":");
  if (track)
    put_text(l, track);
  else
    PUT(l, "null");
}

static void put_key(struct line *l, const char *key, uint64_t v) {
  PUT(l, ",\"");
  put(l, key, strlen(key));
  PUT(l, "\":");
  put_number(l, v);
}

static void put_subgroup(struct line *l, const struct journal_object *o) {
  put_track(l, o->track);
  put_key(l, "group", o->group);
  if (o->has_subgroup)
    put_key(l, "subgroup", o->subgroup);
  else
    PUT(l, ",\"subgroup\":null");
}

static void put_object(struct line *l, const struct journal_object *o) {
  uint8_t hash[8];
  for (int i = 0; i < 8; i++)
    hash[i] = (uint8_t)(o->hash >> (56 - 8 * i));
  put_subgroup(l, o);
  put_key(l, "object", o->object);
  put_key(l, "size", o->size);
  PUT(l, ",\"hash\":\"");
  put_hex(l, hash, sizeof hash);
  PUT(l, "\"");
  put_key(l, "priority", o->priority);
}

static void end(const struct journal *j, struct line *l) {
  /* A line that found no room would be no JSON; none can be that long. */
  if (l->len > sizeof l->text - 2)
    l->len = sizeof l->text - 2;
  PUT(l, "}\n");
  j->write(j->arg, l->text, l->len);
}

/* ---- lines --------------------------------------------------------------------- */

void journal_published(const struct journal *j, uint64_t t, uint64_t waited_ns,
                       const struct journal_object *o) {
  struct line l;
  begin(&l, "published", t);
  put_object(&l, o);
  if (waited_ns)
    put_key(&l, "waited", waited_ns);
  end(j, &l);
}

void journal_unsent(const struct journal *j, uint64_t t, const struct journal_object *o,
                    const char *reason) {
  struct line l;
  begin(&l, "unsent", t);
  put_subgroup(&l, o);
  put_key(&l, "object", o->object);
  put_key(&l, "size", o->size);
  PUT(&l, ",\"reason\":");
  put_text(&l, reason);
  end(j, &l);
}

void journal_subscribed(const struct journal *j, uint64_t t, const char *track, uint64_t alias,
                        struct journal_location largest) {
  struct line l;
  begin(&l, "subscribed", t);
  put_track(&l, track);
  put_key(&l, "alias", alias);
  PUT(&l, ",\"largest\":");
  if (largest.known) {
    PUT(&l, "[");
    put_number(&l, largest.group);
    PUT(&l, ",");
    put_number(&l, largest.object);
    PUT(&l, "]");
  } else
    PUT(&l, "null");
  end(j, &l);
}

void journal_unsubscribed(const struct journal *j, uint64_t t, const char *track) {
  struct line l;
  begin(&l, "unsubscribed", t);
  put_track(&l, track);
  end(j, &l);
}

void journal_refused(const struct journal *j, uint64_t t, const char *track, uint64_t code,
                     const char *reason) {
  struct line l;
  begin(&l, "refused", t);
  put_track(&l, track);
  put_key(&l, "code", code);
  PUT(&l, ",\"reason\":");
  put_text(&l, reason);
  end(j, &l);
}

void journal_delivered(const struct journal *j, uint64_t t, const struct journal_object *o) {
  struct line l;
  begin(&l, "delivered", t);
  put_object(&l, o);
  if (o->has_subgroup)
    PUT(&l, ",\"as\":\"subgroup\"");
  else
    PUT(&l, ",\"as\":\"datagram\"");
  end(j, &l);
}

void journal_status(const struct journal *j, uint64_t t, const struct journal_object *o,
                    uint64_t status) {
  struct line l;
  begin(&l, "status", t);
  put_subgroup(&l, o);
  put_key(&l, "object", o->object);
  put_key(&l, "status", status);
  end(j, &l);
}

void journal_reset(const struct journal *j, uint64_t t, const struct journal_object *o,
                   uint64_t code) {
  struct line l;
  begin(&l, "reset", t);
  if (o->track)
    put_subgroup(&l, o);
  else
    PUT(&l, ",\"track\":null,\"group\":null,\"subgroup\":null");
  put_key(&l, "code", code);
  end(j, &l);
}

void journal_stream_done(const struct journal *j, uint64_t t, const struct journal_object *o) {
  struct line l;
  begin(&l, "stream_done", t);
  put_subgroup(&l, o);
  end(j, &l);
}

void journal_done(const struct journal *j, uint64_t t, const char *track, uint64_t status,
                  uint64_t streams) {
  struct line l;
  begin(&l, "done", t);
  put_track(&l, track);
  put_key(&l, "status", status);
  if (streams == UINT64_MAX) /* not known */
    PUT(&l, ",\"streams\":null");
  else
    put_key(&l, "streams", streams);
  end(j, &l);
}

void journal_malformed(const struct journal *j, uint64_t t, const struct journal_object *o,
                       const char *why) {
  struct line l;
  begin(&l, "malformed", t);
  put_subgroup(&l, o);
  PUT(&l, ",\"reason\":");
  put_text(&l, why);
  end(j, &l);
}

void journal_discarded(const struct journal *j, uint64_t t, uint64_t alias, uint64_t bytes) {
  struct line l;
  begin(&l, "discarded", t);
  put_key(&l, "alias", alias);
  put_key(&l, "bytes", bytes);
  end(j, &l);
}

void journal_connected(const struct journal *j, uint64_t t, const struct qc_cid *odcid,
                       const struct qc_path *path) {
  struct line l;
  begin(&l, "connected", t);
  PUT(&l, ",\"conn\":\"");
  put_hex(&l, odcid->data, odcid->len);
  PUT(&l, "\",\"local\":");
  put_address(&l, &path->local);
  PUT(&l, ",\"remote\":");
  put_address(&l, &path->remote);
  end(j, &l);
}

void journal_closed(const struct journal *j, uint64_t t, const struct qc_cid *odcid,
                    const struct qc_close_info *info) {
  /* QC_CLOSED_ERROR: this side found the peer at fault, or gave up. */
  static const char *const by[] = {
      [QC_CLOSED_SELF] = "self",   [QC_CLOSED_PEER] = "peer",  [QC_CLOSED_IDLE] = "idle",
      [QC_CLOSED_RESET] = "reset", [QC_CLOSED_ERROR] = "self",
  };
  struct line l;
  begin(&l, "closed", t);
  PUT(&l, ",\"conn\":\"");
  put_hex(&l, odcid->data, odcid->len);
  PUT(&l, "\",\"by\":");
  put_text(&l, by[info->by]);
  if (info->application)
    PUT(&l, ",\"space\":\"application\"");
  else
    PUT(&l, ",\"space\":\"transport\"");
  put_key(&l, "code", info->code);
  PUT(&l, ",\"reason\":");
  put_text(&l, info->reason);
  end(j, &l);
}
