#include <stdlib.h>

#include "bench/peer/subscriber_state.h"
#include "relay/moqt/codes.h"

#define NS_PER_MS UINT64_C(1000000)
/* What went away with its publisher is asked for again after 50 ms, 100 ms, ..., 6.4 s. */
#define TRIES            8
#define TRY_NS           (50 * NS_PER_MS)
#define DEFAULT_PRIORITY 128 /* draft-ietf-moq-transport-20, 4.4 */

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

void subscriber_free(struct subscriber *sub) {
  if (!sub)
    return;
  subscriber_forget_data(sub);
  free(sub->wishes);
  free(sub);
}

void subscriber_attach(struct subscriber *sub, struct qc *conn, struct moqt_session *session) {
  sub->conn = conn;
  sub->session = session;
  sub->set_up = false;
}

void subscriber_detach(struct subscriber *sub) {
  subscriber_forget_data(sub);
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
    if (wish->state == WISH_AGAIN && sub->now_ns >= wish->again_ns)
      wish->state = WISH_OPEN;
    if (wish->state == WISH_OPEN && !ask(sub, wish))
      break; /* when the peer allows more streams, packets say so */
  }
  tell_answered(sub);
}

uint64_t subscriber_deadline(const struct subscriber *sub) {
  uint64_t next = UINT64_MAX;
  if (!sub->set_up || !sub->conn || qc_is_closed(sub->conn))
    return next;
  for (size_t i = 0; i < sub->plan->n_tracks; i++) {
    const struct wish *wish = &sub->wishes[i];
    if (wish->state == WISH_LATER && sub->started && sub->t0_ns + wish->at_ns < next)
      next = sub->t0_ns + wish->at_ns;
    if (wish->state == WISH_AGAIN && wish->again_ns < next)
      next = wish->again_ns;
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
  if (wish->state == WISH_NONE)
    return -1;
  if (wish->state == WISH_ASKED)
    sub->waiting--;
  if (wish->state == WISH_ASKED || wish->state == WISH_LIVE)
    moqt_cancel(sub->session, wish->req);
  if ((wish->state == WISH_OPEN || wish->state == WISH_ASKED) && wish->first && !sub->answered)
    sub->refused++; /* by this side */
  subscriber_disown(sub, wish);
  wish->req = -1;
  wish->state = WISH_NONE;
  journal_unsubscribed(sub->journal, sub->now_ns, wish->track->name);
  return 0;
}

void subscriber_give_up(struct subscriber *sub, struct wish *wish) {
  if (wish->req >= 0)
    moqt_cancel(sub->session, wish->req);
  subscriber_disown(sub, wish);
  wish->req = -1;
  wish->state = WISH_NONE; /* what still comes is not wanted */
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

/* ---- answers --------------------------------------------------------------------------------------------- */

static struct wish *wish_of(struct subscriber *sub, int64_t req) {
  for (size_t i = 0; i < sub->plan->n_tracks; i++)
    if (sub->wishes[i].req == req)
      return &sub->wishes[i];
  return NULL;
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
  struct wish *before = subscriber_wish_of_alias(sub, alias);
  if (!wish)
    return;
  if (before)
    before->has_alias = false; /* of a subscription that is over */
  wish->has_alias = true;
  wish->alias = alias;
  wish->default_priority = properties ? properties->priority : DEFAULT_PRIORITY;
  wish->state = WISH_LIVE;
  wish->had = true;
  wish->tries = 0;
  sub->waiting--;
  sub->ok += wish->first && !sub->answered;
  journal_subscribed(sub->journal, sub->now_ns, wish->track->name, alias,
                     (struct journal_location){.known = params->has & MOQT_HAS_LARGEST,
                                               .group = params->largest.group,
                                               .object = params->largest.object});
  subscriber_settle_early(sub);
  if (tell_limit(sub, wish))
    sub->owner.failed(sub->owner.arg, "a REQUEST_UPDATE for the new priority limit cannot be sent");
}

/* The publisher went away, and may come back: perhaps both lost the relay. */
static void give_up_for_now(struct subscriber *sub, struct wish *wish) {
  wish->state = wish->had && wish->tries < TRIES ? WISH_AGAIN : WISH_OVER;
  wish->again_ns = sub->now_ns + (TRY_NS << wish->tries++);
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
  if (code == MOQT_REQ_DOES_NOT_EXIST)
    give_up_for_now(sub, wish);
  sub->waiting--;
  sub->refused += wish->first && !sub->answered;
  journal_refused(sub->journal, sub->now_ns, wish->track->name, code, reason);
  subscriber_settle_early(sub);
}

static void on_done(void *app, int64_t req, uint64_t status, uint64_t streams, const char *reason) {
  struct subscriber *sub = app;
  struct wish *wish = wish_of(sub, req);
  (void)reason;
  if (!wish)
    return;
  wish->req = -1;
  wish->state = WISH_OVER;
  if (status == MOQT_DONE_GOING_AWAY)
    give_up_for_now(sub, wish);
  journal_done(sub->journal, sub->now_ns, wish->track->name, status, streams);
}

const struct moqt_events subscriber_events = {
    .setup = on_setup,
    .subscribed = on_subscribed,
    .refused = on_refused,
    .done = on_done,
    .data = subscriber_data_in,
    .data_reset = subscriber_data_reset,
    .datagram = subscriber_datagram_in,
};
