#include "bench/run/capture_secrets.h"

#include <stdlib.h>
#include <string.h>

#define ETHERNET  14
#define IPV4_MIN  20
#define IPV6      40
#define UDP       8
#define PROTO_UDP 17

/* What a frame says of it; payload is NULL if it is no whole UDP datagram. */
struct datagram {
  struct capture_pair pair;
  const uint8_t *payload;
  size_t len;
};

static void set_pair(struct capture_pair *pair, const uint8_t *a, const uint8_t *b, size_t len) {
  const bool turned = memcmp(a, b, len) > 0;
  memset(pair, 0, sizeof *pair);
  memcpy(pair->addr[0], turned ? b : a, len);
  memcpy(pair->addr[1], turned ? a : b, len);
}

/* Fragments behind the first one have no UDP header, and the first has no whole payload:
 * they belong to the pair, and that is all. */
static bool look(const uint8_t *frame, size_t len, struct datagram *out) {
  const uint8_t *ip = frame + ETHERNET;
  size_t header = IPV6, at_addr = 8, addr_len = 16;
  bool whole = true;
  if (len < ETHERNET + IPV4_MIN)
    return false;
  if (frame[12] == 0x08 && frame[13] == 0x00) {
    header = 4u * (ip[0] & 0x0f);
    at_addr = 12;
    addr_len = 4;
    whole = (ip[6] & 0x3f) == 0 && ip[7] == 0;
    if (ip[9] != PROTO_UDP)
      return false;
  } else if (frame[12] != 0x86 || frame[13] != 0xdd || len < ETHERNET + IPV6 || ip[6] != PROTO_UDP)
    return false;
  set_pair(&out->pair, ip + at_addr, ip + at_addr + addr_len, addr_len);
  const size_t payload = ETHERNET + header + UDP;
  out->payload = whole && len > payload ? frame + payload : NULL;
  out->len = len > payload ? len - payload : 0;
  return true;
}

/* ---- pairs ---------------------------------------------------------------------------------- */

static bool same(const struct capture_pair *a, const struct capture_pair *b) {
  return memcmp(a->addr, b->addr, sizeof a->addr) == 0;
}

static size_t home(const struct capture_pair *pair, size_t room) {
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (size_t i = 0; i < 2; i++)
    for (size_t k = 0; k < sizeof pair->addr[i]; k++)
      hash = (hash ^ pair->addr[i][k]) * 16777619u;
  return hash & (room - 1);
}

/* Where it is, or the free place for it. */
static size_t place(const struct capture_pair *pairs, size_t room,
                    const struct capture_pair *pair) {
  size_t at = home(pair, room);
  while (pairs[at].used && !same(&pairs[at], pair))
    at = (at + 1) & (room - 1);
  return at;
}

static int grow(struct capture_secrets *secrets) {
  const size_t room = secrets->room_pairs > 0 ? 2 * secrets->room_pairs : 4;
  struct capture_pair *bigger = calloc(room, sizeof *bigger);
  if (bigger == NULL)
    return -1;
  for (size_t i = 0; i < secrets->room_pairs; i++)
    if (secrets->pairs[i].used)
      bigger[place(bigger, room, &secrets->pairs[i])] = secrets->pairs[i];
  free(secrets->pairs);
  secrets->pairs = bigger;
  secrets->room_pairs = room;
  return 0;
}

static int add_pair(struct capture_secrets *secrets, const struct capture_pair *pair) {
  if (2 * secrets->n_pairs >= secrets->room_pairs && grow(secrets) != 0)
    return -1;
  const size_t at = place(secrets->pairs, secrets->room_pairs, pair);
  if (!secrets->pairs[at].used) {
    secrets->pairs[at] = *pair;
    secrets->pairs[at].used = true;
    secrets->n_pairs++;
  }
  secrets->last = secrets->pairs[at];
  return 0;
}

/* ---- hellos ---------------------------------------------------------------------------------- */

static int add_random(struct capture_secrets *secrets, const uint8_t random[HELLO_RANDOM]) {
  for (size_t i = secrets->n; i-- > 0;) /* one that is sent again follows closely */
    if (memcmp(secrets->randoms[i], random, HELLO_RANDOM) == 0)
      return 0;
  if (secrets->n == secrets->room) {
    const size_t room = secrets->room * 2 + 4;
    uint8_t(*bigger)[HELLO_RANDOM] = realloc(secrets->randoms, room * sizeof *bigger);
    if (bigger == NULL)
      return -1;
    secrets->randoms = bigger;
    secrets->room = room;
  }
  memcpy(secrets->randoms[secrets->n++], random, HELLO_RANDOM);
  return 0;
}

/* From behind: an answer follows closely. Returns n: it is not there. */
static size_t find_id(const struct capture_ids *ids, const struct hello_id *id) {
  for (size_t i = ids->n; i-- > 0;)
    if (memcmp(&ids->all[i], id, sizeof *id) == 0)
      return i;
  return ids->n;
}

static int add_id(struct capture_ids *ids, const struct hello_id *id) {
  if (find_id(ids, id) < ids->n)
    return 0;
  if (ids->n == ids->room) {
    const size_t room = ids->room * 2 + 4;
    struct hello_id *bigger = realloc(ids->all, room * sizeof *bigger);
    if (bigger == NULL)
      return -1;
    ids->all = bigger;
    ids->room = room;
  }
  ids->all[ids->n++] = *id;
  return 0;
}

/* A closed one may be opened by the next try: the first was changed on the way. */
static int take_initial(struct capture_secrets *secrets, const struct capture_pair *pair,
                        const struct hello *hello, const uint8_t *payload) {
  uint8_t random[HELLO_RANDOM];
  const bool answers = find_id(&secrets->sources, &hello->dcid) < secrets->sources.n;
  if (add_id(&secrets->sources, &hello->scid) != 0)
    return -1;
  if (answers)
    return 0;
  if (!hello_random(hello, payload, random))
    return add_id(&secrets->closed, &hello->dcid);
  const size_t at = find_id(&secrets->closed, &hello->dcid);
  if (at < secrets->closed.n)
    secrets->closed.all[at] = secrets->closed.all[--secrets->closed.n];
  secrets->pairs[place(secrets->pairs, secrets->room_pairs, pair)].explained = true;
  return add_random(secrets, random);
}

void capture_secrets_see(struct capture_secrets *secrets, const uint8_t *frame, size_t len) {
  struct datagram datagram;
  struct hello hello;
  if (!look(frame, len, &datagram))
    return;
  if ((!secrets->last.used || !same(&secrets->last, &datagram.pair)) &&
      add_pair(secrets, &datagram.pair) != 0)
    secrets->failed = true;
  else if (datagram.payload != NULL && hello_parse(&hello, datagram.payload, datagram.len) &&
           take_initial(secrets, &datagram.pair, &hello, datagram.payload) != 0)
    secrets->failed = true;
}

static bool all_explained(const struct capture_secrets *secrets) {
  for (size_t i = 0; i < secrets->room_pairs; i++)
    if (secrets->pairs[i].used && !secrets->pairs[i].explained)
      return false;
  return secrets->closed.n == 0 && !secrets->failed;
}

int capture_secrets_pick(const struct capture_secrets *secrets, const struct keylog *keys,
                         bool whole, char **text, size_t *len) {
  if (whole && all_explained(secrets))
    return keylog_pick(keys, (const uint8_t(*)[HELLO_RANDOM])secrets->randoms, secrets->n, text,
                       len);
  *text = malloc(keys->len + 1);
  *len = keys->len;
  if (*text != NULL && keys->len > 0)
    memcpy(*text, keys->text, keys->len);
  return *text != NULL ? 0 : -1;
}

void capture_secrets_free(struct capture_secrets *secrets) {
  free(secrets->randoms);
  free(secrets->sources.all);
  free(secrets->closed.all);
  free(secrets->pairs);
  *secrets = (struct capture_secrets){0};
}
