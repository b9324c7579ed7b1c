/* Commands of the runner: start, poll, stop, and what the timeline does to an
 * endpoint. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer/peer_state.h"
#include "relay/moqt/codes.h"

/* How long CONNECTION_CLOSE is repeated for packets that still come, if the
 * closing period (RFC 9000 10.2) is longer. */
#define LINGER_NS UINT64_C(1000000000)
/* How soon what could not be done yet is tried again, if no packet comes before. */
#define RETRY_NS UINT64_C(5000000)

enum outcome { DONE, CANNOT, NOT_YET };

static bool reconnect(struct peer *peer, bool same_port) {
  struct qc_addr local;
  if (peer->conn && !peer->closed)
    journal_closed(&peer->outside.journal, peer->now_ns, qc_odcid(peer->conn),
                   &(struct qc_close_info){.by = QC_CLOSED_SELF, .reason = "left without a word"});
  peer_disconnect(peer);
  if (peer->outside.move(peer->outside.arg, same_port ? PEER_MOVE_SAME_PORT : PEER_MOVE_NEW_PORT,
                         &local))
    return false;
  peer->path.local = peer->local = local;
  return peer_dial(peer) == 0;
}

/* The socket moves, ngtcp2 is not told: what a NAT does. */
static bool rebind(struct peer *peer) {
  struct qc_addr local;
  if (!peer->conn || peer->outside.move(peer->outside.arg, PEER_MOVE_NEW_PORT, &local))
    return false;
  peer->local = local;
  return true;
}

static enum outcome change_path(struct peer *peer, const struct qc_addr *told) {
  struct qc_path path = peer->path;
  path.local = *told;
  if (qc_migrate(peer->conn, &path, peer->now_ns))
    return NOT_YET;
  peer->path = path;
  return DONE;
}

/* However often it is tried, one socket. */
static enum outcome migrate(struct peer *peer) {
  if (!peer->beside && peer->outside.move(peer->outside.arg, PEER_MOVE_BESIDE, &peer->beside_local))
    return CANNOT;
  peer->beside = true;
  if (change_path(peer, &peer->beside_local) != DONE)
    return NOT_YET;
  peer->beside = false;
  peer->local = peer->beside_local;
  return DONE;
}

/* A migration to an address that only ngtcp2 believes in: the relay sees the old
 * 4-tuple with another connection ID. No socket of a run has such an address (10.0.0.0/9, fd00::),
 * while a made-up port might be the next one. */
static enum outcome rotate_cid(struct peer *peer) {
  struct qc_addr made_up = peer->path.local;
  if (made_up.sa.sa_family == AF_INET6)
    made_up.in6.sin6_addr.s6_addr[1] ^= 0x80;
  else
    made_up.in.sin_addr.s_addr ^= htonl(0x00800000);
  return change_path(peer, &made_up);
}

static bool change_subscriptions(struct peer *peer, const struct peer_command *command) {
  bool all = peer->subscriber != NULL;
  for (size_t i = 0; peer->subscriber && i < command->n_tracks; i++) {
    const int track = command->tracks[i];
    all &= (command->event == PLAN_EV_SUBSCRIBE
                ? subscriber_subscribe(peer->subscriber, track)
                : subscriber_unsubscribe(peer->subscriber, track)) == 0;
  }
  return all;
}

static enum outcome done_if(bool done) {
  return done ? DONE : CANNOT;
}

static enum outcome do_event(struct peer *peer, const struct peer_command *command) {
  switch (command->event) {
  case PLAN_EV_PRIORITY_LIMIT:
    return done_if(peer->subscriber &&
                   subscriber_priority_limit(peer->subscriber, command->priority_limit) == 0);
  case PLAN_EV_SUBSCRIBE:
  case PLAN_EV_UNSUBSCRIBE:
    return done_if(change_subscriptions(peer, command));
  case PLAN_EV_RECONNECT:
    return done_if(reconnect(peer, command->same_port));
  case PLAN_EV_REBIND:
    return done_if(rebind(peer));
  case PLAN_EV_UPDATE_KEY:
    return peer->conn && qc_update_key(peer->conn, peer->now_ns) == 0 ? DONE : NOT_YET;
  case PLAN_EV_MIGRATE:
    return peer->conn ? migrate(peer) : NOT_YET;
  case PLAN_EV_ROTATE_CID:
    return peer->conn ? rotate_cid(peer) : NOT_YET;
  case PLAN_EV_VANISH:
    peer->vanished = true;
    return DONE;
  case PLAN_EV_DIE:
    return DONE;
  default:
    return CANNOT;
  }
}

static void answer(struct peer *peer, enum plan_event_kind kind, bool done) {
  peer_tell(peer, &(struct peer_event){.kind = PEER_DID, .command = kind, .done = done});
  if (kind == PLAN_EV_DIE)
    peer->state = PEER_DIED;
}

/* ---- those that wait --------------------------------------------------------------------- */

/* False: there is no room. */
static bool enqueue(struct peer *peer, const struct peer_command *command) {
  struct waiting *last = &peer->waiting[peer->n_waiting];
  if (peer->n_waiting == PEER_WAITING)
    return false;
  *last = (struct waiting){.command = *command, .give_up_ns = peer->now_ns + PEER_PATIENCE_NS};
  if (command->n_tracks > 0) {
    last->tracks = malloc(command->n_tracks * sizeof *last->tracks);
    if (!last->tracks)
      return false;
    memcpy(last->tracks, command->tracks, command->n_tracks * sizeof *last->tracks);
    last->command.tracks = last->tracks;
  }
  peer->n_waiting++;
  return true;
}

static void drop_first(struct peer *peer) {
  free(peer->waiting[0].tracks);
  memmove(peer->waiting, peer->waiting + 1, --peer->n_waiting * sizeof *peer->waiting);
}

static bool shakes_hands(const struct peer *peer) {
  return peer->conn && !qc_is_closed(peer->conn) && !qc_is_established(peer->conn);
}

void peer_run_waiting(struct peer *peer) {
  while (peer->n_waiting > 0 && peer->state == PEER_RUNNING) {
    struct waiting *first = &peer->waiting[0];
    const enum outcome outcome = do_event(peer, &first->command);
    if (shakes_hands(peer))
      first->give_up_ns = peer->now_ns + PEER_PATIENCE_NS;
    if (outcome == NOT_YET && peer->now_ns < first->give_up_ns) {
      peer->retry_ns = peer->now_ns + RETRY_NS;
      return;
    }
    const enum plan_event_kind kind = first->command.event;
    drop_first(peer);
    answer(peer, kind, outcome == DONE);
  }
}

void peer_free_waiting(struct peer *peer) {
  while (peer->n_waiting > 0)
    drop_first(peer);
}

static void event(struct peer *peer, const struct peer_command *command) {
  if (!enqueue(peer, command))
    answer(peer, command->event, false);
  else if (peer->n_waiting == 1)
    peer_run_waiting(peer);
}

static void stop(struct peer *peer) {
  if (peer->stopping)
    return;
  peer->stopping = true;
  peer->stop_until_ns = peer->now_ns + LINGER_NS;
  if (peer->conn && !peer->vanished)
    qc_close(peer->conn, MOQT_NO_ERROR, "");
  else
    peer_check_stop(peer);
}

void peer_command(struct peer *peer, const struct peer_command *command, uint64_t now_ns) {
  peer_set_clock(peer, now_ns);
  switch (command->what) {
  case PEER_DO_START:
    if (peer->publisher)
      publisher_start(peer->publisher, command->t0_ns, command->again);
    else
      subscriber_start(peer->subscriber, command->t0_ns);
    if (peer->rogue)
      rogue_start(peer->rogue, command->t0_ns);
    break;
  case PEER_DO_POLL:
    peer_tell(peer,
              &(struct peer_event){
                  .kind = PEER_STATE,
                  .objects = peer->publisher ? publisher_objects(peer->publisher)
                                             : subscriber_objects(peer->subscriber),
                  .last_rx_ns = peer->subscriber ? subscriber_last_rx_ns(peer->subscriber) : 0});
    break;
  case PEER_DO_STOP:
    stop(peer);
    break;
  case PEER_DO_EVENT:
    event(peer, command);
    break;
  }
}
