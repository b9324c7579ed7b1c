#include "pcap-tools/read/blocks.h"

#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap-tools/read/memory.h"
#include "pcap-tools/read/source.h"

enum {
  BLOCK_SHB = 0x0a0d0d0a,
  BLOCK_IDB = 1,
  BLOCK_PB = 2, /* obsolete */
  BLOCK_SPB = 3,
  BLOCK_ISB = 5,
  BLOCK_EPB = 6,
  BLOCK_DSB = 10,
  MAGIC = 0x1a2b3c4d,
  TLS_KEY_LOG = 0x544c534b,
  LINKTYPE_RAW = 101,
  LINKTYPE_ETHERNET = 1,
  OPT_END = 0,
  OPT_COMMENT = 1,
  OPT_IF_NAME = 2,
  OPT_ISB_IFDROP = 5,
  HEAD = 28,           /* of an EPB up to its data */
  KEPT_MAX = 64 << 20, /* a larger block of interest is damage */
};

enum form { FORM_UNKNOWN, FORM_PCAP, FORM_PCAPNG, FORM_OTHER };

struct qp_blocks {
  qp_secrets_fn *fn;
  void *arg;
  enum form form;
  bool swapped;     /* numbers are not in this machine's order */
  uint64_t at, pos; /* begin of the block in work; bytes passed */
  uint64_t end;     /* of the block; 0 = its length is not known yet */
  uint32_t type;    /* pcapng */
  unsigned want;    /* bytes of `head` before the block is understood */
  unsigned have;
  uint8_t head[HEAD];
  unsigned record_head; /* pcap: 16, or 24 in one old variant */
  /* what is kept of the block: [keep_from, keep_to) in the file */
  uint64_t keep_from, keep_to;
  uint8_t *kept;
  size_t n_kept, kept_room;
  struct qp_interface *interfaces;
  size_t n_interfaces, interfaces_room, section; /* section: its first interface */
  bool any_record, late_secrets;
  /* records that passed and were not taken: a ring */
  struct qp_record *records;
  size_t first, n_records, records_room;
};

struct qp_blocks *qp_blocks_new(qp_secrets_fn *fn, void *arg) {
  struct qp_blocks *b = qp_alloc(1, sizeof *b);
  b->fn = fn;
  b->arg = arg;
  b->want = 4;
  return b;
}

void qp_blocks_free(struct qp_blocks *b) {
  if (!b)
    return;
  for (; b->n_records; qp_blocks_take(b))
    ;
  free(b->records);
  free(b->kept);
  free(b->interfaces);
  free(b);
}

/* ---- records ------------------------------------------------------------------ */

static void add_record(struct qp_blocks *b, uint32_t interface, char *comment) {
  if (b->n_records == b->records_room) {
    size_t had = b->records_room;
    qp_grow((void **)&b->records, &b->records_room, had ? had * 2 : 256, sizeof *b->records);
    /* what had wrapped round follows now */
    memcpy(b->records + had, b->records, b->first * sizeof *b->records);
  }
  size_t i = (b->first + b->n_records++) & (b->records_room - 1);
  b->records[i] = (struct qp_record){b->at, interface, comment};
  b->any_record = true;
}

const struct qp_record *qp_blocks_peek(const struct qp_blocks *b) {
  return b->n_records ? &b->records[b->first] : NULL;
}

void qp_blocks_take(struct qp_blocks *b) {
  if (!b->n_records)
    return;
  free(b->records[b->first].comment);
  b->first = (b->first + 1) & (b->records_room - 1);
  b->n_records--;
}

/* ---- what is read of a block ----------------------------------------------------- */

static uint16_t num16(const struct qp_blocks *b, const uint8_t *p) {
  uint16_t v;
  memcpy(&v, p, 2);
  return b->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t num32(const struct qp_blocks *b, const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return b->swapped ? __builtin_bswap32(v) : v;
}

static uint64_t num64(const struct qp_blocks *b, const uint8_t *p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return b->swapped ? __builtin_bswap64(v) : v;
}

struct option {
  uint16_t code, len;
  const uint8_t *value;
};

/* The next of the options in kept[*at..]. */
static bool next_option(const struct qp_blocks *b, size_t *at, struct option *o) {
  if (b->n_kept < 4 || *at > b->n_kept - 4)
    return false;
  o->code = num16(b, b->kept + *at);
  o->len = num16(b, b->kept + *at + 2);
  o->value = b->kept + *at + 4;
  if (o->code == OPT_END || o->len > b->n_kept - *at - 4)
    return false;
  *at += 4 + ((size_t)o->len + 3) / 4 * 4;
  return true;
}

/* A comment as one line of text that a terminal can show. */
static char *text_of(const struct option *o) {
  char *text = qp_text("%.*s", (int)o->len, (const char *)o->value);
  for (char *p = text; *p; p++)
    if ((unsigned char)*p < ' ' || *p == 0x7f)
      *p = ' ';
  return text;
}

static void append_comment(char **all, const struct option *o) {
  char *text = text_of(o);
  if (*all) {
    char *both = qp_text("%s\n%s", *all, text);
    free(text);
    free(*all);
    text = both;
  }
  *all = text;
}

static void read_interface(struct qp_blocks *b) {
  struct option o;
  if (b->n_kept < 8)
    return;
  uint16_t linktype = num16(b, b->kept);
  struct qp_interface i = {.linktype = linktype == LINKTYPE_RAW ? DLT_RAW : linktype,
                           .snaplen = num32(b, b->kept + 4)};
  for (size_t at = 8; next_option(b, &at, &o);)
    if (o.code == OPT_IF_NAME)
      snprintf(i.name, sizeof i.name, "%.*s", (int)o.len, (const char *)o.value);
  qp_grow((void **)&b->interfaces, &b->interfaces_room, b->n_interfaces + 1, sizeof i);
  b->interfaces[b->n_interfaces++] = i;
}

static void read_statistics(struct qp_blocks *b) {
  struct option o;
  size_t i = b->n_kept >= 12 ? b->section + num32(b, b->kept) : b->n_interfaces;
  for (size_t at = 12; i < b->n_interfaces && next_option(b, &at, &o);)
    if (o.code == OPT_ISB_IFDROP && o.len == 8) {
      b->interfaces[i].has_dropped = true;
      b->interfaces[i].dropped = num64(b, o.value);
    }
}

static void read_secrets(struct qp_blocks *b) {
  if (b->n_kept < 8 || num32(b, b->kept) != TLS_KEY_LOG)
    return;
  size_t len = num32(b, b->kept + 4), room = b->n_kept - 8;
  b->late_secrets |= b->any_record;
  if (b->fn)
    b->fn(b->arg, (const char *)b->kept + 8, len < room ? len : room);
}

static void read_packet_options(struct qp_blocks *b) {
  struct option o;
  struct qp_record *r = &b->records[(b->first + b->n_records - 1) & (b->records_room - 1)];
  for (size_t at = 0; next_option(b, &at, &o);)
    if (o.code == OPT_COMMENT && b->n_records)
      append_comment(&r->comment, &o);
}

/* The whole block has passed. */
static void finish(struct qp_blocks *b) {
  if (!b->n_kept)
    return;
  switch (b->type) {
  case BLOCK_IDB:
    read_interface(b);
    break;
  case BLOCK_ISB:
    read_statistics(b);
    break;
  case BLOCK_DSB:
    read_secrets(b);
    break;
  case BLOCK_EPB:
    read_packet_options(b);
    break;
  default:
    break;
  }
}

/* ---- what comes next ----------------------------------------------------------------- */

/* From here on nothing can be told. */
static unsigned give_up(struct qp_blocks *b) {
  b->form = FORM_OTHER;
  return 0;
}

/* [from, to) of the block, without its closing length. */
static void keep(struct qp_blocks *b, uint64_t from) {
  b->keep_from = b->at + from;
  b->keep_to = b->end - 4;
  if (b->keep_from > b->keep_to || b->keep_to - b->keep_from > KEPT_MAX)
    b->keep_to = b->keep_from;
}

/* The length is known; how many bytes of `head` are needed to go on. */
static unsigned begin_block(struct qp_blocks *b) {
  uint32_t len = num32(b, b->head + 4);
  if (len < 12 || len % 4)
    return give_up(b);
  b->end = b->at + len;
  switch (b->type) {
  case BLOCK_SHB:
    b->section = b->n_interfaces;
    return 12;
  case BLOCK_IDB:
  case BLOCK_ISB:
  case BLOCK_DSB:
    keep(b, 8);
    return 8;
  case BLOCK_EPB:
    return len >= HEAD ? HEAD : 8;
  case BLOCK_PB:
    return 12;
  default:
    if (b->type == BLOCK_SPB)
      add_record(b, (uint32_t)b->section, NULL);
    return 8;
  }
}

static unsigned understand_section(struct qp_blocks *b) {
  uint32_t magic;
  memcpy(&magic, b->head + 8, 4);
  b->swapped = magic != MAGIC;
  if (b->swapped && __builtin_bswap32(magic) != MAGIC)
    return give_up(b);
  /* the length was read before its byte order was known */
  return begin_block(b);
}

static unsigned understand_block(struct qp_blocks *b) {
  if (b->have == 8) {
    b->type = num32(b, b->head);
    if (b->type == BLOCK_SHB)
      return 12;
    return begin_block(b);
  }
  if (b->type == BLOCK_SHB)
    return understand_section(b);
  if (b->type == BLOCK_PB) {
    add_record(b, (uint32_t)b->section + num16(b, b->head + 8), NULL);
    return 12;
  }
  add_record(b, (uint32_t)b->section + num32(b, b->head + 8), NULL);
  keep(b, HEAD + ((uint64_t)num32(b, b->head + 20) + 3) / 4 * 4);
  return HEAD;
}

static unsigned understand_file(struct qp_blocks *b) {
  uint32_t magic;
  memcpy(&magic, b->head, 4);
  if (magic == BLOCK_SHB) { /* the same in both byte orders */
    b->form = FORM_PCAPNG;
    return 8;
  }
  uint32_t swapped = __builtin_bswap32(magic);
  b->swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1 || magic == 0x34cdb2a1;
  uint32_t right = b->swapped ? swapped : magic;
  if (right != 0xa1b2c3d4 && right != 0xa1b23c4d && right != 0xa1b2cd34)
    return give_up(b);
  b->form = FORM_PCAP;
  b->record_head = right == 0xa1b2cd34 ? 24 : 16;
  b->end = 24; /* of the file header */
  b->interfaces = qp_alloc(1, sizeof *b->interfaces);
  b->interfaces[0].linktype = -1;
  b->n_interfaces = b->interfaces_room = 1;
  return 4;
}

static unsigned understand_record(struct qp_blocks *b) {
  add_record(b, 0, NULL);
  b->end = b->at + b->record_head + num32(b, b->head + 8);
  return b->record_head;
}

/* `want` bytes of the head are there. How many are needed now: as many if the block
 * is understood. Sets `end` once its length is known. */
static unsigned understand(struct qp_blocks *b) {
  return b->form == FORM_UNKNOWN  ? understand_file(b)
         : b->form == FORM_PCAPNG ? understand_block(b)
                                  : understand_record(b);
}

static void begin_next(struct qp_blocks *b) {
  finish(b);
  b->at = b->end;
  b->end = 0;
  b->type = 0;
  b->have = 0;
  b->n_kept = 0;
  b->keep_from = b->keep_to = 0;
  b->want = b->form == FORM_PCAP ? b->record_head : 8;
}

/* ---- bytes ------------------------------------------------------------------------------ */

/* An interface as libpcap is to see it: Ethernet, no snapshot length. */
static void disguise(const struct qp_blocks *b, uint8_t *bytes, size_t len) {
  const uint16_t plain = LINKTYPE_ETHERNET,
                 linktype = b->swapped ? __builtin_bswap16(plain) : plain;
  uint8_t shown[8] = {0};
  memcpy(shown, &linktype, 2);
  for (size_t i = 0; i < len; i++) {
    uint64_t offset = b->pos + i - b->at;
    if (offset >= 8 && offset < 16 && offset != 10 && offset != 11)
      bytes[i] = shown[offset - 8];
  }
}

static void keep_bytes(struct qp_blocks *b, const uint8_t *bytes, size_t len) {
  uint64_t from = b->pos, to = b->pos + len;
  if (from < b->keep_from)
    from = b->keep_from;
  if (to > b->keep_to)
    to = b->keep_to;
  if (from >= to)
    return;
  size_t n = (size_t)(to - from);
  qp_grow((void **)&b->kept, &b->kept_room, b->n_kept + n, 1);
  memcpy(b->kept + b->n_kept, bytes + (from - b->pos), n);
  b->n_kept += n;
}

/* Bytes of one block; they do not reach behind its end. */
static void pass_part(struct qp_blocks *b, uint8_t *bytes, size_t len) {
  if (b->keep_to > b->keep_from)
    keep_bytes(b, bytes, len);
  if (b->form == FORM_PCAPNG && b->type == BLOCK_IDB && b->pos < b->at + 16)
    disguise(b, bytes, len);
  b->pos += len;
}

/* Bytes of the head; returns how many of them belong to it. */
static size_t pass_head(struct qp_blocks *b, uint8_t *bytes, size_t len) {
  if (len > b->want - b->have)
    len = b->want - b->have;
  memcpy(b->head + b->have, bytes, len);
  b->have += (unsigned)len;
  pass_part(b, bytes, len);
  if (b->have == b->want)
    b->want = understand(b);
  return len;
}

void qp_blocks_pass(struct qp_blocks *b, uint8_t *bytes, size_t len) {
  while (len && b->form != FORM_OTHER) {
    size_t n = len;
    if (b->have < b->want) {
      n = pass_head(b, bytes, len);
    } else {
      if (n > b->end - b->pos)
        n = (size_t)(b->end - b->pos);
      pass_part(b, bytes, n);
    }
    bytes += n;
    len -= n;
    if (b->have == b->want && b->end && b->pos == b->end)
      begin_next(b);
  }
}

uint64_t qp_blocks_at(const struct qp_blocks *b) {
  return b->at;
}

bool qp_blocks_late_secrets(const struct qp_blocks *b) {
  return b->late_secrets;
}

const struct qp_interface *qp_blocks_interfaces(const struct qp_blocks *b, size_t *n) {
  *n = b->n_interfaces;
  return b->interfaces;
}

int qp_blocks_secrets(const char *path, qp_secrets_fn *fn, void *arg, char *err, size_t err_len) {
  struct qp_source *s;
  if (qp_source_open(path, &s, err, err_len))
    return -1;
  struct qp_blocks *b = qp_blocks_new(fn, arg);
  uint8_t *bytes = qp_alloc(1 << 18, 1);
  size_t got;
  while (b->form != FORM_PCAP && b->form != FORM_OTHER &&
         (got = qp_source_read(s, bytes, 1 << 18))) {
    qp_blocks_pass(b, bytes, got);
    while (b->n_records)
      qp_blocks_take(b);
  }
  const char *damage = qp_source_damage(s);
  if (damage)
    snprintf(err, err_len, "%s: %s", path, damage);
  free(bytes);
  qp_blocks_free(b);
  qp_source_close(s);
  return damage ? -1 : 0;
}
