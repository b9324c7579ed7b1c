#include "bench/peer/subscriber.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "bench/peer/early.h"
#include "relay/moqt/object.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NO_LIMIT     255 /* publisher priorities go from 0 to 255 */
#define NS_PER_MS    UINT64_C(1000000)
#define DEFAULT_PRIO 128

enum wish_state {
  WISH_NONE,   /* not asked for */
  WISH_LATER,  /* a subscription of the plan whose time has not come */
  WISH_OPEN,   /* wanted, not asked for on this connection yet */
  WISH_ASKED,  /* SUBSCRIBE sent */
  WISH_LIVE,   /* SUBSCRIBE_OK came */
  WISH_OVER,   /* refused or done: not asked for again */
};

/* One track of the plan, as far as this subscriber is concerned. */
struct wish {
  const struct plan_track *track;
  enum wish_state state;
  bool first;       /* of at: 0s: counts for `answered` */
  uint64_t at_ns;   /* WISH_LATER: after the start of publishing */
  uint64_t timeout_ns;
  int limit, asked_limit; /* largest priority wanted; NO_LIMIT */
  int64_t req;
  bool has_alias; /* stays after PUBLISH_DONE: its last streams still come in */
  uint64_t alias;
  uint8_t default_priority;
};

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

struct subscriber {
  const struct plan *plan;
  int node;
  const struct journal *journal;
  struct subscriber_owner owner;
  struct wish *wishes; /* one for each track of the plan */

  struct qc *conn;
  struct moqt_session *session;
  bool set_up;
  uint64_t now_ns, t0_ns;
  bool started, answered;
  uint64_t ok, refused, first; /* of the subscriptions of at: 0s */
  uint64_t waiting;            /* SUBSCRIBEs without an answer */

  struct arrival *arrivals;
  struct arrival *reading; /* inside moqt_reader_in() */
  struct early early;
  uint64_t objects, last_rx_ns;
};

/* ---- life -------------------------------------------------------------------------- */

static void plan_wish(struct subscriber *sub, const struct plan_subscription *from) {
  for (size_t i = 0; i < from->n_tracks; i++) {
    struct wish *wish = &sub->wishes[from->tracks[i]];
    wish->state = from->at_ns ? WISH_LATER : WISH_OPEN;
    wish->first = from->at_ns == 0;
    wish->at_ns = from->at_ns;
    wish->timeout_ns = from->delivery_timeout_ns;
    wish->limit = from->priority_limit < 0 ? NO_LIMIT : from->priority_limit;
    sub->first += wish->first;
  }
}

struct subscriber *subscriber_new(const struct plan *plan, int node, const struct journal *journal,
                                  const struct subscriber_owner *owner) {
  struct subscriber *sub = calloc(1, sizeof *sub);
  if (!sub)
    return NULL;
  *sub = (struct subscriber){.plan = plan, .node = node, .journal = journal, .owner = *owner};
  sub->wishes = calloc(plan->n_tracks + 1, sizeof *sub->wishes);
  if (!sub->wishes) {
    free(sub);
    return NULL;
  }
  for (size_t i = 0; i < plan->n_tracks; i++)
    sub->wishes[i] = (struct wish){.track = &plan->tracks[i], .limit = NO_LIMIT, .req = -1};
  for (size_t i = 0; i < plan->n_subscriptions; i++)
    if (plan->subscriptions[i].who == node)
      plan_wish(sub, &plan->subscriptions[i]);
  early_init(&sub->early, SUBSCRIBER_EARLY_BYTES);
  return sub;
}

static void free_arrival(struct subscriber *sub, struct arrival *arrival) {
  HASH_DEL(sub->arrivals, arrival);
  moqt_reader_free(&arrival->reader);
  free(arrival);
}

static void forget_arrivals(struct subscriber *sub) {
  struct arrival *arrival, *next;
  HASH_ITER(hh, sub->arrivals, arrival, next) {
    free_arrival(sub, arrival);
  }
  early_clear(&sub->early);
}

void subscriber_free(struct subscriber *sub) {
  if (!sub)
    return;
  forget_arrivals(sub);
  free(sub->wishes);
  free(sub);
}

void subscriber_attach(struct subscriber *sub, struct qc *conn, struct moqt_session *session) {
  sub->conn = conn;
  sub->session = session;
  sub->set_up = false;
}

void subscriber_detach(struct subscriber *sub) {
  forget_arrivals(sub);
  sub->conn = NULL;
  sub->session = NULL;
  sub->set_up = false;
  sub->waiting = 0;
  for (size_t i = 0; i < sub->plan->n_tracks; i++) {
    struct wish *wish = &sub->wishes[i];
    wish->has_alias = false;
    wish->req = -1;
    if (wish->state == WISH_ASKED || wish->state == WISH_LIVE)
      wish->state = WISH_OPEN;
  }
}

void subscriber_clock(struct subscriber *sub, uint64_t now_ns) {
  sub->now_ns = now_ns;
}

void subscriber_start(struct subscriber *sub, uint64_t t0_ns) {
  sub->started = true;
  sub->t0_ns = t0_ns;
}

bool subscriber_is_answered(const struct subscriber *sub) {
  return sub->answered;
}

uint64_t subscriber_objects(const struct subscriber *sub) {
  return sub->objects;
}

uint64_t subscriber_last_rx_ns(const struct subscriber *sub) {
  return sub->last_rx_ns;
}

/* ---- asking ------------------------------------------------------------------------------ */

static void set_limit(struct moqt_params *params, int limit) {
  params->has |= MOQT_HAS_PRIORITY_FILTER;
  params->priority_min = 0;
  params->priority_max = (uint8_t)limit;
}

/* False if no stream can be opened now. */
static bool ask(struct subscriber *sub, struct wish *wish) {
  const struct plan_node *from = &sub->plan->nodes[wish->track->from];
  struct moqt_params params;
  struct moqt_name name;
  moqt_name_set(&name, from->name, wish->track->name);
  moqt_params_init(&params);
  params.has = MOQT_HAS_LOCATION_FILTER;
  params.location = (struct moqt_location_filter){.n = 1}; /* {0}: the next group */
  if (wish->limit != NO_LIMIT)
    set_limit(&params, wish->limit);
  if (wish->timeout_ns) {
    params.has |= MOQT_HAS_OBJECT_TIMEOUT;
    params.object_timeout_ms = (wish->timeout_ns + NS_PER_MS - 1) / NS_PER_MS;
  }
  wish->req = moqt_subscribe(sub->session, &name, &params);
  if (wish->req < 0)
    return false;
  wish->asked_limit = wish->limit;
  wish->state = WISH_ASKED;
  wish->has_alias = false;
  sub->waiting++;
  return true;
}

static int tell_limit(struct subscriber *sub, struct wish *wish) {
  struct moqt_params params;
  if (wish->limit == wish->asked_limit)
    return 0;
  moqt_params_init(&params);
  set_limit(&params, wish->limit);
  if (moqt_update(sub->session, wish->req, &params))
    return -1;
  wish->asked_limit = wish->limit;
  return 0;
}

static void tell_answered(struct subscriber *sub) {
  if (sub->answered || sub->ok + sub->refused < sub->first)
    return;
  sub->answered = true;
  sub->owner.answered(sub->owner.arg, sub->ok, sub->refused);
}

void subscriber_run(struct subscriber *sub) {
  if (!sub->conn || !sub->set_up || qc_is_closed(sub->conn))
    return;
  for (size_t i = 0; i < sub->plan->n_tracks; i++) {
    struct wish *wish = &sub->wishes[i];
    if (wish->state == WISH_LATER && sub->started && sub->now_ns >= sub->t0_ns + wish->at_ns)
      wish->state = WISH_OPEN;
    if (wish->state == WISH_OPEN && !ask(sub, wish))
      break; /* when the peer allows more streams, packets say so */
  }
  tell_answered(sub);
}

uint64_t subscriber_deadline(const struct subscriber *sub) {
  uint64_t next = UINT64_MAX;
  if (!sub->started || !sub->set_up)
    return next;
  for (size_t i = 0; i < sub->plan->n_tracks; i++) {
    const struct wish *wish = &sub->wishes[i];
    if (wish->state == WISH_LATER && sub->t0_ns + wish->at_ns < next)
      next = sub->t0_ns + wish->at_ns;
  }
  return next;
}

/* ---- commands -------------------------------------------------------------------------------- */

int subscriber_subscribe(struct subscriber *sub, int track) {
  struct wish *wish = &sub->wishes[track];
  if (wish->state == WISH_OPEN || wish->state == WISH_ASKED || wish->state == WISH_LIVE)
    return -1;
  wish->state = WISH_OPEN;
  return 0;
}

int subscriber_unsubscribe(struct subscriber *sub, int track) {
  struct wish *wish = &sub->wishes[track];
  struct arrival *arrival, *next;
  if (wish->state == WISH_NONE)
    return -1;
  if (wish->state == WISH_ASKED)
    sub->waiting--;
  if (wish->state == WISH_ASKED || wish->state == WISH_LIVE)
    moqt_cancel(sub->session, wish->req);
  if ((wish->state == WISH_OPEN || wish->state == WISH_ASKED) && wish->first && !sub->answered)
    sub->refused++; /* by this side */
  HASH_ITER(hh, sub->arrivals, arrival, next) {
    if (arrival->wish == wish)
      arrival->wish = NULL;
  }
  wish->req = -1;
  wish->state = WISH_NONE;
  journal_unsubscribed(sub->journal, sub->now_ns, wish->track->name);
  return 0;
}

int subscriber_priority_limit(struct subscriber *sub, int limit) {
  int result = 0;
  for (size_t i = 0; i < sub->plan->n_tracks; i++) {
    struct wish *wish = &sub->wishes[i];
    wish->limit = limit < 0 ? NO_LIMIT : limit;
    if (wish->state == WISH_LIVE && tell_limit(sub, wish))
      result = -1;
  }
  return result;
}

/* ---- objects ------------------------------------------------------------------------------------ */

static bool is_wanted(const struct wish *wish) {
  return wish && wish->state != WISH_NONE;
}

static void deliver(struct subscriber *sub, const struct journal_object *object) {
  sub->objects++;
  sub->last_rx_ns = sub->now_ns;
  journal_delivered(sub->journal, sub->now_ns, object);
}

static uint64_t file_offset(const struct plan_track *track, uint64_t group, uint64_t object) {
  return (group * track->group_objects + object) * track->size_max;
}

static struct journal_object describe(const struct arrival *arrival) {
  const struct moqt_subgroup *header = &arrival->reader.header;
  const bool known = arrival->reader.has_header &&
                     (!header->subgroup_by_object || arrival->reader.objects > 0);
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
  const struct plan_track *track = arrival->wish->track;
  if (track->file)
    sub->owner.received(sub->owner.arg, track,
                        file_offset(track, arrival->reader.header.group, arrival->reader.object) +
                            arrival->got,
                        data, len);
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
    arrival->hash = XXH64(NULL, 0, 0);
  object = describe(arrival);
  if (arrival->status == MOQT_OBJECT_NORMAL)
    deliver(sub, &object);
  else
    journal_status(sub->journal, sub->now_ns, &object, arrival->status);
}

static const struct moqt_reader_events reader_events = {
    .object = on_object, .payload = on_payload, .object_end = on_object_end};

/* ---- streams ---------------------------------------------------------------------------------------- */

static struct wish *wish_of_alias(struct subscriber *sub, uint64_t alias) {
  for (size_t i = 0; i < sub->plan->n_tracks; i++)
    if (sub->wishes[i].has_alias && sub->wishes[i].alias == alias)
      return &sub->wishes[i];
  return NULL;
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
    if (code) {
      qc_close(sub->conn, code, why);
      return;
    }
    if (fin) {
      const struct journal_object object = describe(arrival);
      journal_stream_done(sub->journal, sub->now_ns, &object);
    }
  }
  if (fin)
    free_arrival(sub, arrival);
}

/* The track alias, second number of a subgroup stream and of a datagram. The
 * session passes nothing on that does not hold it. */
static uint64_t alias_at(const uint8_t *data, size_t len) {
  uint64_t type, alias = 0;
  const size_t n = wire_vi64_get(data, len, &type);
  wire_vi64_get(data + n, len - n, &alias);
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

static void on_data(void *app, int64_t sid, uint64_t off, const uint8_t *data, size_t len,
                    bool fin) {
  struct subscriber *sub = app;
  struct arrival *arrival;
  HASH_FIND(hh, sub->arrivals, &sid, sizeof sid, arrival);
  if (off == 0 && !arrival) {
    const uint64_t alias = alias_at(data, len);
    struct wish *wish = wish_of_alias(sub, alias);
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

static void on_data_reset(void *app, int64_t sid, uint64_t code) {
  struct subscriber *sub = app;
  struct arrival *arrival;
  struct journal_object object = {0};
  HASH_FIND(hh, sub->arrivals, &sid, sizeof sid, arrival);
  early_reset(&sub->early, sid);
  if (arrival)
    object = describe(arrival);
  if (!arrival || is_wanted(arrival->wish))
    journal_reset(sub->journal, sub->now_ns, &object, code);
  if (arrival)
    free_arrival(sub, arrival);
}

static void read_datagram(struct subscriber *sub, const struct wish *wish, const uint8_t *data,
                          size_t len) {
  struct moqt_datagram datagram;
  const char *why = "";
  const uint64_t code = moqt_datagram_read(data, len, &datagram, &why);
  if (code) {
    qc_close(sub->conn, code, why);
    return;
  }
  if (!is_wanted(wish))
    return;
  const struct journal_object object = {
      .track = wish->track->name,
      .group = datagram.group,
      .object = datagram.object,
      .size = datagram.payload.len,
      .hash = XXH64(datagram.payload.data, datagram.payload.len, 0),
      .priority = datagram.has_priority ? datagram.priority : wish->default_priority,
  };
  if (datagram.has_status && datagram.status != MOQT_OBJECT_NORMAL) {
    journal_status(sub->journal, sub->now_ns, &object, datagram.status);
    return;
  }
  if (wish->track->file)
    sub->owner.received(sub->owner.arg, wish->track,
                        file_offset(wish->track, datagram.group, datagram.object),
                        datagram.payload.data, datagram.payload.len);
  deliver(sub, &object);
}

static void on_datagram(void *app, const uint8_t *data, size_t len) {
  struct subscriber *sub = app;
  const uint64_t alias = alias_at(data, len);
  const struct wish *wish = wish_of_alias(sub, alias);
  if (wish)
    read_datagram(sub, wish, data, len);
  else
    keep_early(sub, EARLY_DATAGRAM, alias, data, len, true);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static struct wish *wish_of(struct subscriber *sub, int64_t req) {
  for (size_t i = 0; i < sub->plan->n_tracks; i++)
    if (sub->wishes[i].req == req)
      return &sub->wishes[i];
  return NULL;
}

/* What was kept for an alias that is known now, or for none any more. */
static void settle_early(struct subscriber *sub) {
  struct early_item *item;
  struct wish *wish;
  struct early kept;
  early_init(&kept, sub->early.limit);
  while ((item = early_take(&sub->early))) {
    wish = wish_of_alias(sub, item->alias);
    if (!wish && sub->waiting) {
      early_put_back(&kept, item);
      continue;
    }
    if (!wish)
      discard(sub, item->sid, item->alias, item->len);
    else if (item->sid == EARLY_DATAGRAM)
      read_datagram(sub, wish, item->data, item->len);
    else {
      struct arrival *arrival = new_arrival(sub, item->sid, is_wanted(wish) ? wish : NULL);
      if (arrival)
        read_stream(sub, arrival, item->data, item->len, item->fin);
    }
    early_free(item);
  }
  sub->early = kept;
}

static void on_setup(void *app, const struct moqt_setup *peer) {
  struct subscriber *sub = app;
  (void)peer;
  sub->set_up = true;
}

static void on_subscribed(void *app, int64_t req, uint64_t alias, const struct moqt_params *params,
                          const struct moqt_properties *properties) {
  struct subscriber *sub = app;
  struct wish *wish = wish_of(sub, req);
  struct wish *before = wish_of_alias(sub, alias);
  if (!wish)
    return;
  if (before)
    before->has_alias = false; /* of a subscription that is over */
  wish->has_alias = true;
  wish->alias = alias;
  wish->default_priority = properties ? properties->priority : DEFAULT_PRIO;
  wish->state = WISH_LIVE;
  sub->waiting--;
  sub->ok += wish->first && !sub->answered;
  journal_subscribed(sub->journal, sub->now_ns, wish->track->name, alias,
                     (struct journal_location){.known = params->has & MOQT_HAS_LARGEST,
                                               .group = params->largest.group,
                                               .object = params->largest.object});
  settle_early(sub);
  if (tell_limit(sub, wish))
    sub->owner.failed(sub->owner.arg, "a REQUEST_UPDATE for the new priority limit cannot be sent");
}

static void on_refused(void *app, int64_t req, uint64_t code, uint64_t retry_ms,
                       const char *reason) {
  struct subscriber *sub = app;
  struct wish *wish = wish_of(sub, req);
  (void)retry_ms;
  if (!wish)
    return;
  wish->req = -1;
  wish->state = WISH_OVER;
  sub->waiting--;
  sub->refused += wish->first && !sub->answered;
  journal_refused(sub->journal, sub->now_ns, wish->track->name, code, reason);
  settle_early(sub);
}

static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams,
                    const char *reason) {
  struct subscriber *sub = app;
  struct wish *wish = wish_of(sub, req);
  (void)reason;
  if (!wish)
    return;
  wish->req = -1;
  wish->state = WISH_OVER;
  journal_done(sub->journal, sub->now_ns, wish->track->name, status, streams);
}

const struct moqt_events subscriber_events = {
    .setup = on_setup,
    .subscribed = on_subscribed,
    .refused = on_refused,
    .done = on_done,
    .data = on_data,
    .data_reset = on_data_reset,
    .datagram = on_datagram,
};
