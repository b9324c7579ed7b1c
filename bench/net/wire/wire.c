#include "bench/net/wire/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fate/from_plan.h"
#include "bench/net/wire/datagram.h"
#include "bench/net/wire/journal.h"
#include "bench/net/wire/scan.h"

#define RELAY_CID_LEN      20
#define RELAY_CID_LEN_DIAL 17

/* --- opening ----------------------------------------------------------------- */

static int open_way(struct wire *wire, const struct topology *net, size_t k, bool backward,
                    char *err, size_t err_len) {
  const struct plan *plan = wire->plan;
  const struct plan_link *link = &plan->links[k];
  const struct veth_end *inner[2] = {&net->links[k].inner_a, &net->links[k].inner_b};
  const struct plan_node *from = &plan->nodes[backward ? link->b : link->a];
  const struct plan_node *to = &plan->nodes[backward ? link->a : link->b];
  const struct plan_fault *faults = backward ? link->backward_faults : link->forward_faults;
  const size_t n = backward ? link->n_backward_faults : link->n_forward_faults;
  const struct fate_params params = FATE_PARAMS_OF(backward ? &link->backward : &link->forward);
  struct wire_way *way = &wire->ways[wire->n_ways++];
  *way = (struct wire_way){.link = k,
                           .backward = backward,
                           .in = inner[backward]->ifindex,
                           .out = inner[!backward]->ifindex,
                           .to_relay = to->role == PLAN_RELAY,
                           .cid_len = to->cid_len};
  way->faults = calloc(n + 1, sizeof *way->faults);
  if (asprintf(&way->name, "%s>%s", from->name, to->name) < 0)
    way->name = NULL;
  if (way->faults == NULL || way->name == NULL) {
    snprintf(err, err_len, "no memory for link %s>%s", from->name, to->name);
    return -1;
  }
  for (size_t i = 0; i < n; i++) {
    way->faults[i] = FATE_FAULT_OF(&faults[i]);
    way->delays |= way->faults[i].what == FATE_FAULT_DELAY;
  }
  const char *wrong =
      fate_link_open(&way->fate, plan->seed, from->name, to->name, &params, way->faults, n);
  if (wrong != NULL)
    snprintf(err, err_len, "link %s: %s", way->name, wrong);
  return wrong == NULL ? 0 : -1;
}

int wire_open(struct wire *wire, const struct plan *plan, const struct topology *net, FILE *log,
              char *err, size_t err_len) {
  *wire = (struct wire){.plan = plan, .log = log, .t0_ns = WIRE_NEVER};
  wire->ways = calloc(2 * plan->n_links + 1, sizeof *wire->ways);
  if (wire->ways == NULL) {
    snprintf(err, err_len, "no memory for %zu links", plan->n_links);
    return -1;
  }
  for (size_t k = 0; k < plan->n_links; k++)
    if (!plan->links[k].plain && (open_way(wire, net, k, false, err, err_len) != 0 ||
                                  open_way(wire, net, k, true, err, err_len) != 0))
      return -1;
  return 0;
}

/* --- the timeline -------------------------------------------------------------- */

static bool of_link(const struct plan_event *event) {
  return event->kind == PLAN_EV_LINK_SET || event->kind == PLAN_EV_LINK_DOWN ||
         event->kind == PLAN_EV_LINK_UP;
}

/* Of the next event of a link. */
static uint64_t event_due(const struct wire *wire) {
  if (wire->t0_ns == WIRE_NEVER || wire->next_event == wire->plan->n_events)
    return WIRE_NEVER;
  return wire->t0_ns + wire->plan->events[wire->next_event].at_ns;
}

static void skip_other_events(struct wire *wire) {
  while (wire->next_event < wire->plan->n_events && !of_link(&wire->plan->events[wire->next_event]))
    wire->next_event++;
}

static void change(struct wire_way *way, const struct plan_event *event, uint64_t at_ns) {
  const struct plan_impair *set = way->backward ? &event->set_backward : &event->set;
  if (way->arrived_ns < at_ns)
    way->arrived_ns = at_ns;
  if (event->kind == PLAN_EV_LINK_DOWN)
    fate_link_down(&way->fate);
  else if (event->kind == PLAN_EV_LINK_UP)
    fate_link_up(&way->fate);
  else /* a checked plan holds nothing that is refused here */
    fate_link_set(&way->fate, &FATE_PARAMS_OF(set), way->arrived_ns);
}

static void take_effect(struct wire *wire, const struct plan_event *event, uint64_t at_ns) {
  for (size_t i = 0; i < wire->n_ways; i++) {
    struct wire_way *way = &wire->ways[i];
    if (event->link < 0 || way->link != (size_t)event->link)
      continue;
    change(way, event, at_ns);
    journal_link(wire->log, way->name, event->kind, at_ns);
  }
  wire->events++;
}

void wire_begin(struct wire *wire, uint64_t t0_ns) {
  wire->t0_ns = t0_ns;
  skip_other_events(wire);
}

void wire_turn(struct wire *wire, uint64_t now_ns) {
  uint64_t due_ns;
  while ((due_ns = event_due(wire)) <= now_ns && due_ns != WIRE_NEVER) {
    take_effect(wire, &wire->plan->events[wire->next_event++], due_ns);
    skip_other_events(wire);
  }
}

/* --- frames ------------------------------------------------------------------------ */

static struct wire_way *way_from(struct wire *wire, int in) {
  for (size_t i = 0; i < wire->n_ways; i++)
    if (wire->ways[i].in == in)
      return &wire->ways[i];
  return NULL;
}

static fate_frames frames_in(const struct wire_way *way, const uint8_t *payload, size_t len) {
  if (way->fate.asked == 0)
    return 0;
  if (!way->to_relay)
    return scan_datagram(payload, len, way->cid_len);
  return scan_datagram(payload, len,
                       len > 1 && payload[1] & 0x80 ? RELAY_CID_LEN_DIAL : RELAY_CID_LEN);
}

static void send_copy(struct wire *wire, struct wire_way *way, const uint8_t *frame, size_t len,
                      uint64_t due_ns, const uint32_t *turned_bit) {
  struct queued *copy =
      queue_put(&wire->queue, due_ns, (uint32_t)(way - wire->ways), frame, (uint32_t)len);
  if (copy == NULL)
    way->no_room++;
  else if (turned_bit != NULL)
    copy->bytes[*turned_bit / 8] ^= (uint8_t)(1u << (*turned_bit & 7));
}

/* More than the link's own delay: a fault did it, or the line was busy. */
static bool is_delayed(const struct wire_way *way, const struct fate *fate, uint64_t now_ns) {
  const struct fate_params *p = &way->fate.params;
  return way->delays && fate->copies > 0 &&
         fate->deliver_at_ns[0] - now_ns > p->delay_ns + p->jitter_ns;
}

static void count(struct wire_way *way, const struct fate *fate) {
  way->dropped[fate->drop] += fate->copies == 0;
  way->passed += fate->copies > 0;
  way->doubled += fate->copies > 1;
  way->corrupted += fate->corrupt;
  way->reordered += fate->reordered;
}

static void meet_fate(struct wire *wire, struct wire_way *way, const uint8_t *frame, size_t len,
                      const struct datagram *datagram) {
  const uint64_t now_ns = way->arrived_ns;
  const uint8_t *payload = frame + datagram->payload_at;
  const struct fate_packet packet = {.len = datagram->ip_len,
                                     .payload_len = datagram->payload_len,
                                     .frames = frames_in(way, payload, datagram->payload_len)};
  const struct fate fate = fate_decide(&way->fate, &packet, now_ns);
  const uint32_t bit = datagram->payload_at * 8 + fate.corrupt_bit;
  for (int i = 0; i < fate.copies; i++)
    send_copy(wire, way, frame, len, fate.deliver_at_ns[i], fate.corrupt ? &bit : NULL);
  count(way, &fate);
  if (fate.copies != 1 || fate.corrupt || fate.reordered || is_delayed(way, &fate, now_ns))
    journal_packet(wire->log, way->name, &fate, now_ns, payload, datagram->payload_len);
}

void wire_in(struct wire *wire, int in, const uint8_t *frame, size_t len, uint64_t now_ns) {
  struct wire_way *way = way_from(wire, in);
  struct datagram datagram;
  if (way == NULL)
    return;
  wire_turn(wire, now_ns);
  if (way->arrived_ns < now_ns)
    way->arrived_ns = now_ns;
  if (datagram_find(frame, len, &datagram))
    meet_fate(wire, way, frame, len, &datagram);
  else
    send_copy(wire, way, frame, len, now_ns, NULL);
}

uint64_t wire_deadline(const struct wire *wire) {
  const struct queued *first = queue_first(&wire->queue);
  const uint64_t event_ns = event_due(wire);
  return first != NULL && first->due_ns < event_ns ? first->due_ns : event_ns;
}

const struct queued *wire_first(const struct wire *wire, uint64_t now_ns, int *out) {
  const struct queued *first = queue_first(&wire->queue);
  if (first == NULL || first->due_ns > now_ns)
    return NULL;
  *out = wire->ways[first->way].out;
  return first;
}

void wire_left(struct wire *wire, uint64_t left_ns, bool sent) {
  struct queued *frame = queue_take(&wire->queue);
  struct wire_way *way = &wire->ways[frame->way];
  if (sent)
    tally_add(&way->late, left_ns > frame->due_ns ? left_ns - frame->due_ns : 0);
  else
    way->no_room++;
  free(frame);
}

/* --- the end --------------------------------------------------------------------------- */

void wire_close(struct wire *wire, uint64_t now_ns) {
  for (size_t i = 0; i < wire->n_ways; i++)
    journal_total(wire->log, &wire->ways[i], now_ns);
}

void wire_free(struct wire *wire) {
  for (size_t i = 0; i < wire->n_ways; i++) {
    free(wire->ways[i].name);
    free(wire->ways[i].faults);
    tally_free(&wire->ways[i].late);
  }
  free(wire->ways);
  queue_free(&wire->queue);
  *wire = (struct wire){0};
}
