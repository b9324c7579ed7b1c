/* The lines, and what they do to packets. */
#include "bench/explore/generate_parts.h"
#include "bench/scenario/memory.h"

static void draw_rate(struct dice *d, struct plan_impair *i, uint64_t load_bps) {
  const uint64_t bps = load_bps * DICE_PICK(d, 6, 12, 20, 40) / 10;
  i->rate_bps = (bps < 300000 ? 300000 : bps) / 10000 * 10000;
  i->queue_bytes = DICE_PICK(d, 16, 32, 64, 128) << 10;
}

/* A sender with a window that is halved by each loss gets about 1.2 packets a round trip over
 * the root of the loss (RFC 3649); lines that carry less than a tenth of the load would
 * take longer than a run may. */
static void keep_usable(struct plan_impair *i, uint64_t load_bps) {
  const uint64_t rtt_us = (2 * i->delay_ns + 30 * GENERATE_MS) / 1000;
  while (i->loss_ppm > 2000) {
    uint64_t root = 1; /* of the loss in parts per million, so that 1,000 is all */
    while ((root + 1) * (root + 1) <= i->loss_ppm)
      root++;
    if (11520ull * 1000 * 1000000 / root / rtt_us * 10 >= load_bps)
      return;
    i->loss_ppm /= 2;
  }
}

/* A packet that comes 128 numbers late is taken for another number if its own has one byte. Real
 * protection finds that out; the null AEAD cannot, and both ends would be right to complain. */
static void keep_near(struct plan_impair *i) {
  const uint64_t most_ns = 5 * GENERATE_MS;
  i->jitter_ns = i->jitter_ns < most_ns ? i->jitter_ns : most_ns;
  i->reorder_by_ns = i->reorder_by_ns < most_ns ? i->reorder_by_ns : most_ns;
}

void generate_impair(struct dice *d, const struct plan *plan, struct plan_impair *i,
                     uint64_t load_bps, bool with_rate) {
  if (dice_says(d, 60))
    i->delay_ns = GENERATE_MS * DICE_PICK(d, 1, 2, 5, 10, 20, 50, 100, 100);
  if (i->delay_ns && dice_says(d, 20))
    i->jitter_ns = i->delay_ns / DICE_PICK(d, 1, 2, 5);
  if (dice_says(d, 35))
    i->loss_ppm = (uint32_t)DICE_PICK(d, 2000, 10000, 10000, 30000, 50000, 150000);
  if (dice_says(d, 8))
    i->duplicate_ppm = (uint32_t)DICE_PICK(d, 5000, 50000);
  if (dice_says(d, 8))
    i->corrupt_ppm = (uint32_t)DICE_PICK(d, 2000, 20000);
  if (dice_says(d, 10)) {
    i->reorder_ppm = (uint32_t)DICE_PICK(d, 10000, 50000);
    i->reorder_by_ns = GENERATE_MS * DICE_PICK(d, 1, 3, 10);
  }
  if (dice_says(d, 8)) {
    i->burst = true;
    i->burst_enter_ppm = (uint32_t)DICE_PICK(d, 1000, 5000);
    i->burst_leave_ppm = (uint32_t)DICE_PICK(d, 200000, 400000);
    i->burst_loss_ppm = 1000000;
  }
  if (with_rate && dice_says(d, 20))
    draw_rate(d, i, load_bps);
  keep_usable(i, load_bps);
  if (plan->nodes[0].protection == PLAN_PROT_NONE)
    keep_near(i);
}

/* A frame can be looked for only where packets are open. */
static void draw_fault(struct dice *d, bool open, struct plan_fault **list, size_t *n) {
  static const char *const frames[] = {
      "STREAM",   "STREAM",      "DATAGRAM",          "ACK",
      "MAX_DATA", "MAX_STREAMS", "NEW_CONNECTION_ID", "HANDSHAKE_DONE"};
  struct plan_fault fault = {.what = (enum plan_fault_do)dice_below(d, 4), .index_lo = 1};
  if (open && dice_says(d, 70)) {
    fault.frame = plan_copy_text(frames[dice_below(d, sizeof frames / sizeof *frames)]);
    fault.nth = dice_between(d, 1, 30, 1);
  } else {
    fault.index_lo = dice_between(d, 5, 200, 1);
    fault.index_hi = fault.index_lo + dice_below(d, 6);
  }
  if (fault.what == PLAN_FAULT_DELAY)
    fault.by_ns = GENERATE_MS * DICE_PICK(d, 1, 5, 30);
  *list = plan_grow(*list, *n, sizeof **list);
  (*list)[(*n)++] = fault;
}

static struct plan_link *add_link(struct plan *plan, int a, int b, int ip) {
  plan->links = plan_grow(plan->links, plan->n_links, sizeof *plan->links);
  struct plan_link *link = &plan->links[plan->n_links++];
  *link = (struct plan_link){.a = a, .b = b, .ip = ip, .mtu = 1500};
  return link;
}

static void vary_link(struct dice *d, const struct plan *plan, struct plan_link *link,
                      uint64_t load_bps, bool with_rate) {
  if (dice_says(d, 30))
    return; /* a plain line */
  const bool open = plan->nodes[0].protection == PLAN_PROT_NONE;
  generate_impair(d, plan, &link->forward, load_bps, with_rate);
  link->backward = link->forward;
  if (dice_says(d, 50)) {
    link->backward = (struct plan_impair){0};
    generate_impair(d, plan, &link->backward, 0, false);
  }
  if (link->backward.rate_bps) /* as acknowledgements need */
    link->backward.rate_bps = link->backward.queue_bytes = 0;
  for (unsigned n = dice_says(d, 20) ? 2 : 0; n > 0; n--) {
    if (dice_says(d, 60))
      draw_fault(d, open, &link->forward_faults, &link->n_forward_faults);
    else
      draw_fault(d, open, &link->backward_faults, &link->n_backward_faults);
  }
  if (dice_says(d, 10))
    link->mtu = (uint32_t)DICE_PICK(d, 1280, 1300, 1400, 3000);
}

void generate_links(struct dice *d, struct plan *plan) {
  const uint64_t load = generate_load_bps(plan);
  int hop = -1, behind = -1;
  for (size_t i = 0; i < plan->n_nodes; i++)
    if (plan->nodes[i].role == PLAN_ROUTER)
      hop = (int)i;
  const int ip_of_hop = dice_says(d, 25) ? 6 : 4;
  for (size_t i = 0; i < plan->n_nodes; i++) {
    const struct plan_node *node = &plan->nodes[i];
    if (node->relay < 0)
      continue;
    const bool down = node->role != PLAN_PUBLISHER;
    int from = node->relay;
    /* behind the router: subscribers of the first relay that has one there */
    if (hop >= 0 && node->role == PLAN_SUBSCRIBER && (behind < 0 || behind == from) &&
        dice_says(d, 70)) {
      behind = from;
      from = hop;
    }
    const int ip = from == hop ? ip_of_hop : dice_says(d, 12) ? 6 : 4;
    struct plan_link *link =
        down ? add_link(plan, from, (int)i, ip) : add_link(plan, (int)i, from, ip);
    vary_link(d, plan, link, load, down);
  }
  if (hop >= 0)
    vary_link(d, plan, add_link(plan, behind < 0 ? 0 : behind, hop, ip_of_hop), 6 * load, true);
}
