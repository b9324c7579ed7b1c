#include "bench/net/wire/wire.h"

#include <stdlib.h>
#include <string.h>

#include "bench/fate/from_plan.h"
#include "bench/net/wire/datagram.h"

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
  struct fate_fault *converted = calloc(n + 1, sizeof *converted);
  *way = (struct wire_way){.link = k,
                           .backward = backward,
                           .in = inner[backward]->ifindex,
                           .out = inner[!backward]->ifindex};
  const char *wrong = converted == NULL ? "no memory" : NULL;
  for (size_t i = 0; wrong == NULL && i < n; i++)
    converted[i] = FATE_FAULT_OF(&faults[i]);
  if (wrong == NULL)
    wrong = fate_way_open(&way->fate, plan->seed, from->name, to->name, &params, converted, n);
  way->fate.ids = FATE_WAY_IDS_OF(to);
  if (wrong != NULL)
    snprintf(err, err_len, "link %s>%s: %s", from->name, to->name, wrong);
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

static void change(struct wire_way *way, FILE *log, const struct plan_event *event,
                   uint64_t at_ns) {
  const struct plan_impair *set = way->backward ? &event->set_backward : &event->set;
  if (event->kind == PLAN_EV_LINK_DOWN)
    fate_way_down(&way->fate, log, at_ns);
  else if (event->kind == PLAN_EV_LINK_UP)
    fate_way_up(&way->fate, log, at_ns);
  else /* a checked plan holds nothing that is refused here */
    fate_way_set(&way->fate, log, &FATE_PARAMS_OF(set), at_ns);
}

static void take_effect(struct wire *wire, const struct plan_event *event, uint64_t at_ns) {
  for (size_t i = 0; i < wire->n_ways; i++)
    if (event->link >= 0 && wire->ways[i].link == (size_t)event->link)
      change(&wire->ways[i], wire->log, event, at_ns);
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

static void send_copy(struct wire *wire, struct wire_way *way, const uint8_t *frame, size_t len,
                      uint64_t due_ns, const uint32_t *turned_bit) {
  struct queued *copy =
      queue_put(&wire->queue, due_ns, (uint32_t)(way - wire->ways), frame, (uint32_t)len);
  if (copy == NULL)
    way->fate.total.no_room++;
  else if (turned_bit != NULL)
    copy->bytes[*turned_bit / 8] ^= (uint8_t)(1u << (*turned_bit & 7));
}

static void meet_fate(struct wire *wire, struct wire_way *way, const uint8_t *frame, size_t len,
                      const struct datagram *datagram, uint64_t now_ns) {
  const struct fate fate =
      fate_way_packet(&way->fate, wire->log, datagram->ip_len, frame + datagram->payload_at,
                      datagram->payload_len, now_ns);
  const uint32_t bit = datagram->payload_at * 8 + fate.corrupt_bit;
  for (int i = 0; i < fate.copies; i++)
    send_copy(wire, way, frame, len, fate.deliver_at_ns[i], fate.corrupt ? &bit : NULL);
}

void wire_in(struct wire *wire, int in, const uint8_t *frame, size_t len, uint64_t now_ns) {
  struct wire_way *way = way_from(wire, in);
  struct datagram datagram;
  if (way == NULL)
    return;
  wire_turn(wire, now_ns);
  if (datagram_find(frame, len, &datagram))
    meet_fate(wire, way, frame, len, &datagram, now_ns);
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
    way->fate.total.no_room++;
  free(frame);
}

/* --- the end --------------------------------------------------------------------------- */

void wire_close(struct wire *wire, uint64_t now_ns) {
  for (size_t i = 0; i < wire->n_ways; i++) {
    struct wire_way *way = &wire->ways[i];
    const struct fate_late late = {tally_quantile(&way->late, 990), way->late.max_ns};
    fate_way_close(&way->fate, wire->log, &late, now_ns);
  }
}

void wire_free(struct wire *wire) {
  for (size_t i = 0; i < wire->n_ways; i++) {
    fate_way_free(&wire->ways[i].fate);
    tally_free(&wire->ways[i].late);
  }
  free(wire->ways);
  queue_free(&wire->queue);
  *wire = (struct wire){0};
}
