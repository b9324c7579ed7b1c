/* What comes in at a subscriber: streams put together, objects hashed and
 * written down. */
#include <stdlib.h>

#include <uthash.h>

#include "bench/peer/subscriber_state.h"
#include "relay/moqt/object.h"

#define XXH_STATIC_LINKING_ONLY /* the size of XXH64_state_t */
#include <xxhash.h>

/* A plan has at most 10,000,000 objects a track. */
#define FILE_GROUPS_MAX 10000000

/* A stream that carries a subgroup. */
struct arrival {
  UT_hash_handle hh;
  int64_t sid;
  struct wish *wish; /* NULL: early, or discarded */
  struct moqt_reader reader;
  /* the object that is coming in */
  uint64_t size, got, status;
  bool split; /* its bytes came in pieces: `state` has them */
  uint64_t hash;
  XXH64_state_t state;
};

/* ---- objects ------------------------------------------------------------------------------------ */

static bool is_wanted(const struct wish *wish) {
  return wish && wish->state != WISH_NONE;
}

static void deliver(struct subscriber *sub, const struct journal_object *object) {
  sub->objects++;
  sub->last_rx_ns = sub->now_ns;
  journal_delivered(sub->journal, sub->now_ns, object);
}

/* Bytes of an object, from `from` on, to their place in the file. Objects that
 * no plan can have are left out. */
static void pass_file(struct subscriber *sub, const struct plan_track *track, uint64_t group,
                      uint64_t object, uint64_t from, const uint8_t *data, size_t len) {
  if (!track->file || object >= track->group_objects || group > FILE_GROUPS_MAX)
    return;
  sub->owner.received(sub->owner.arg, track,
                      (group * track->group_objects + object) * track->size_max + from, data, len);
}

static struct journal_object describe(const struct arrival *arrival) {
  const struct moqt_subgroup *header = &arrival->reader.header;
  const bool known =
      arrival->reader.has_header && (!header->subgroup_by_object || arrival->reader.objects > 0);
  return (struct journal_object){
      .track = arrival->wish ? arrival->wish->track->name : NULL,
      .group = header->group,
      .object = arrival->reader.object,
      .has_subgroup = known,
      .subgroup = header->subgroup,
      .size = arrival->size,
      .hash = arrival->hash,
      .priority = header->has_priority || !arrival->wish ? header->priority
                                                         : arrival->wish->default_priority,
  };
}

static void on_object(void *arg, const struct moqt_reader *reader, uint64_t object, uint64_t size,
                      uint64_t status, struct moqt_bytes properties) {
  struct subscriber *sub = arg;
  struct arrival *arrival = sub->reading;
  (void)reader;
  (void)object;
  (void)properties;
  arrival->size = size;
  arrival->got = 0;
  arrival->status = status;
  arrival->split = false;
}

static void on_payload(void *arg, const uint8_t *data, size_t len) {
  struct subscriber *sub = arg;
  struct arrival *arrival = sub->reading;
  pass_file(sub, arrival->wish->track, arrival->reader.header.group, arrival->reader.object,
            arrival->got, data, len);
  if (arrival->got == 0 && len == arrival->size)
    arrival->hash = XXH64(data, len, 0); /* the usual case of a small object */
  else {
    if (!arrival->split)
      XXH64_reset(&arrival->state, 0);
    arrival->split = true;
    XXH64_update(&arrival->state, data, len);
  }
  arrival->got += len;
}

static void on_object_end(void *arg, const struct moqt_reader *reader) {
  struct subscriber *sub = arg;
  struct arrival *arrival = sub->reading;
  struct journal_object object;
  (void)reader;
  if (arrival->split)
    arrival->hash = XXH64_digest(&arrival->state);
  else if (arrival->size == 0)
    arrival->hash = XXH64("", 0, 0);
  object = describe(arrival);
  if (arrival->status == MOQT_OBJECT_NORMAL)
    deliver(sub, &object);
  else
    journal_status(sub->journal, sub->now_ns, &object, arrival->status);
}

static const struct moqt_reader_events reader_events = {
    .object = on_object, .payload = on_payload, .object_end = on_object_end};

/* ---- streams ---------------------------------------------------------------------------------------- */

struct wish *subscriber_wish_of_alias(struct subscriber *sub, uint64_t alias) {
  for (size_t i = 0; i < sub->plan->n_tracks; i++)
    if (sub->wishes[i].has_alias && sub->wishes[i].alias == alias)
      return &sub->wishes[i];
  return NULL;
}

static void free_arrival(struct subscriber *sub, struct arrival *arrival) {
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not see through uthash */
  HASH_DEL(sub->arrivals, arrival);
  moqt_reader_free(&arrival->reader);
  free(arrival);
}

static struct arrival *new_arrival(struct subscriber *sub, int64_t sid, struct wish *wish) {
  struct arrival *arrival = calloc(1, sizeof *arrival);
  if (!arrival) {
    sub->owner.failed(sub->owner.arg, "no memory for a stream");
    return NULL;
  }
  arrival->sid = sid;
  arrival->wish = wish;
  HASH_ADD(hh, sub->arrivals, sid, sizeof arrival->sid, arrival);
  return arrival;
}

static void read_stream(struct subscriber *sub, struct arrival *arrival, const uint8_t *data,
                        size_t len, bool fin) {
  const char *why = "";
  if (is_wanted(arrival->wish)) {
    sub->reading = arrival;
    const uint64_t code =
        moqt_reader_in(&arrival->reader, data, len, fin, &reader_events, sub, &why);
    sub->reading = NULL;
    sub->last_rx_ns = sub->now_ns;
    if (code && !arrival->reader.has_header) {
      qc_close(sub->conn, code, why);
      return;
    }
    const struct journal_object object = describe(arrival);
    if (code) {
      journal_malformed(sub->journal, sub->now_ns, &object, why);
      if (!fin)
        qc_stream_stop(sub->conn, arrival->sid, MOQT_RESET_MALFORMED_TRACK);
      subscriber_give_up(sub, arrival->wish);
    } else if (fin) {
      journal_stream_done(sub->journal, sub->now_ns, &object);
    }
  }
  if (fin)
    free_arrival(sub, arrival);
}

/* The track alias, second number of a subgroup stream. The session passes nothing
 * on that does not hold it. */
static uint64_t alias_at(const uint8_t *data, size_t len) {
  struct wire_cursor at = wire_cursor(data, 0, len);
  uint64_t type, alias = 0;
  if (wire_get_vi64(&at, &type))
    wire_get_vi64(&at, &alias);
  return alias;
}

static void discard(struct subscriber *sub, int64_t sid, uint64_t alias, size_t len) {
  journal_discarded(sub->journal, sub->now_ns, alias, len);
  if (sid != EARLY_DATAGRAM)
    qc_stream_stop(sub->conn, sid, MOQT_RESET_CANCELLED);
}

/* Data of no known alias. */
static void keep_early(struct subscriber *sub, int64_t sid, uint64_t alias, const uint8_t *data,
                       size_t len, bool fin) {
  if (!sub->waiting || early_add(&sub->early, sid, alias, data, len, fin))
    discard(sub, sid, alias, len);
}

void subscriber_data_in(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                        bool fin) {
  struct subscriber *sub = app;
  struct arrival *arrival;
  HASH_FIND(hh, sub->arrivals, &sid, sizeof sid, arrival);
  if (off == 0 && !arrival) {
    const uint64_t alias = alias_at(data, len);
    struct wish *wish = subscriber_wish_of_alias(sub, alias);
    if (!wish) {
      keep_early(sub, sid, alias, data, len, fin);
      return;
    }
    arrival = new_arrival(sub, sid, is_wanted(wish) ? wish : NULL);
  }
  if (arrival)
    read_stream(sub, arrival, data, len, fin);
  else if (early_append(&sub->early, sid, data, len, fin))
    discard(sub, sid, 0, len);
}

void subscriber_data_reset(void *app, int64_t sid, uint64_t code) {
  struct subscriber *sub = app;
  struct arrival *arrival;
  struct journal_object object = {0};
  if (early_reset(&sub->early, sid, code))
    return; /* told when it is known whose it is */
  HASH_FIND(hh, sub->arrivals, &sid, sizeof sid, arrival);
  if (arrival)
    object = describe(arrival);
  if (!arrival || is_wanted(arrival->wish))
    journal_reset(sub->journal, sub->now_ns, &object, code);
  if (arrival)
    free_arrival(sub, arrival);
}

static void read_datagram(struct subscriber *sub, const struct wish *wish,
                          const struct moqt_datagram *datagram) {
  if (!is_wanted(wish))
    return;
  const struct journal_object object = {
      .track = wish->track->name,
      .group = datagram->group,
      .object = datagram->object,
      .size = datagram->payload.len,
      .hash = XXH64(datagram->payload.data, datagram->payload.len, 0),
      .priority = datagram->has_priority ? datagram->priority : wish->default_priority,
  };
  if (datagram->has_status && datagram->status != MOQT_OBJECT_NORMAL) {
    journal_status(sub->journal, sub->now_ns, &object, datagram->status);
    return;
  }
  pass_file(sub, wish->track, datagram->group, datagram->object, 0, datagram->payload.data,
            datagram->payload.len);
  deliver(sub, &object);
}

void subscriber_datagram_in(void *app, const uint8_t *data, size_t len) {
  struct subscriber *sub = app;
  struct moqt_datagram datagram;
  const char *why = "";
  const uint64_t code = moqt_datagram_read(data, len, &datagram, &why);
  if (code) {
    qc_close(sub->conn, code, why);
    return;
  }
  const struct wish *wish = subscriber_wish_of_alias(sub, datagram.alias);
  if (wish)
    read_datagram(sub, wish, &datagram);
  else
    keep_early(sub, EARLY_DATAGRAM, datagram.alias, data, len, true);
}

/* ---- early data ------------------------------------------------------------------ */

static void settle(struct subscriber *sub, const struct early_item *item, struct wish *wish) {
  if (item->sid == EARLY_DATAGRAM) {
    subscriber_datagram_in(sub, item->data, item->len);
    return;
  }
  struct arrival *arrival = new_arrival(sub, item->sid, is_wanted(wish) ? wish : NULL);
  if (!arrival)
    return;
  read_stream(sub, arrival, item->data, item->len, item->fin);
  if (item->reset)
    subscriber_data_reset(sub, item->sid, item->code);
}

void subscriber_settle_early(struct subscriber *sub) {
  struct early_item *item;
  struct early kept;
  early_init(&kept, sub->early.limit);
  while ((item = early_take(&sub->early))) {
    struct wish *wish = subscriber_wish_of_alias(sub, item->alias);
    if (!wish && sub->waiting) {
      early_put_back(&kept, item);
      continue;
    }
    if (wish)
      settle(sub, item, wish);
    else
      discard(sub, item->sid, item->alias, item->len);
    early_free(item);
  }
  sub->early = kept;
}

/* ---- ends ------------------------------------------------------------------------- */

void subscriber_disown(struct subscriber *sub, const struct wish *wish) {
  struct arrival *arrival, *next;
  HASH_ITER(hh, sub->arrivals, arrival, next) {
    if (arrival->wish == wish)
      arrival->wish = NULL;
  }
}

void subscriber_forget_data(struct subscriber *sub) {
  struct arrival *arrival, *next;
  HASH_ITER(hh, sub->arrivals, arrival, next) {
    free_arrival(sub, arrival);
  }
  early_clear(&sub->early);
}
