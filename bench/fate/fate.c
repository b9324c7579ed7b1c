#include "bench/fate/fate.h"

#include <string.h>

static bool is_hit(const struct fate_link *link, enum fate_purpose purpose, uint64_t index,
                   uint32_t ppm) {
  return ppm > 0 &&
         fate_generator_below(fate_generator_at(link->key[purpose], index), FATE_PPM) < ppm;
}

/* A sum of times; a line that is busy for ever stays so. */
static uint64_t later(uint64_t ns, uint64_t by_ns) {
  return by_ns > UINT64_MAX - ns ? UINT64_MAX : ns + by_ns;
}

/* --- bursts (Gilbert-Elliott) ---------------------------------------------- */

/* The draw of a packet -> the state behind it, for either state in front of it.
 * Low draws enter and high ones leave, so that most draws lead to one state. */
struct burst_step {
  bool from_outside, from_inside;
};

static struct burst_step burst_step(const struct fate_link *link, uint64_t index) {
  const struct fate_params *p = &link->params;
  uint64_t draw =
      fate_generator_below(fate_generator_at(link->key[FATE_FOR_BURST_STATE], index), FATE_PPM);
  return (struct burst_step){
      .from_outside = draw < p->burst_enter_ppm,
      .from_inside = draw < FATE_PPM - p->burst_leave_ppm,
  };
}

/* The state in front of packet `index`. Before packet 0 there is no burst. */
static bool burst_before(const struct fate_link *link, uint64_t index) {
  const struct fate_params *p = &link->params;
  bool turned = false;
  if (p->burst_enter_ppm == 0)
    return false;
  if (p->burst_enter_ppm == FATE_PPM && p->burst_leave_ppm == FATE_PPM)
    return index % 2 == 1; /* every packet turns it: no draw says more */
  while (index > 0) {
    struct burst_step step = burst_step(link, --index);
    if (step.from_outside == step.from_inside)
      return step.from_outside != turned;
    turned ^= step.from_outside; /* else it stays as it was */
  }
  return turned;
}

/* Whether packet `index` is in a burst. `before` is the state in front of it. */
static bool burst_at(const struct fate_link *link, uint64_t index, bool before) {
  struct burst_step step = burst_step(link, index);
  return before ? step.from_inside : step.from_outside;
}

/* The same for packets in order: one draw each. */
static bool burst_next(struct fate_link *link) {
  if (link->burst_index != link->index)
    link->in_burst = burst_before(link, link->index);
  link->in_burst = burst_at(link, link->index, link->in_burst);
  link->burst_index = link->index + 1;
  return link->in_burst;
}

/* --- one packet ------------------------------------------------------------ */

static void apply_fault(const struct fate_fault *fault, struct fate_chance *chance) {
  switch (fault->what) {
  case FATE_FAULT_DROP:
    chance->drop = FATE_DROP_FAULT;
    break;
  case FATE_FAULT_DUPLICATE:
    chance->duplicate = true;
    break;
  case FATE_FAULT_CORRUPT:
    chance->corrupt = true;
    break;
  case FATE_FAULT_DELAY:
    chance->delay_ns[0] = later(chance->delay_ns[0], fault->by_ns);
    chance->delay_ns[1] = later(chance->delay_ns[1], fault->by_ns);
    break;
  }
}

static bool names_index(const struct fate_fault *fault, uint64_t index) {
  return fault->index_lo <= index && index <= fault->index_hi;
}

static uint64_t varied_delay(const struct fate_link *link, enum fate_purpose purpose,
                             uint64_t index) {
  const struct fate_params *p = &link->params;
  if (p->jitter_ns == 0)
    return p->delay_ns;
  uint64_t draw = fate_generator_at(link->key[purpose], index);
  return p->delay_ns - p->jitter_ns + fate_generator_below(draw, 2 * p->jitter_ns + 1);
}

static struct fate_chance chance_of(const struct fate_link *link, uint64_t index, bool in_burst) {
  const struct fate_params *p = &link->params;
  struct fate_chance chance = {
      .duplicate = is_hit(link, FATE_FOR_DUPLICATE, index, p->duplicate_ppm),
      .corrupt = is_hit(link, FATE_FOR_CORRUPT, index, p->corrupt_ppm),
      .reordered = is_hit(link, FATE_FOR_REORDER, index, p->reorder_ppm),
      .corrupt_draw = fate_generator_at(link->key[FATE_FOR_CORRUPT_BIT], index),
      .delay_ns = {varied_delay(link, FATE_FOR_JITTER, index),
                   varied_delay(link, FATE_FOR_JITTER_OF_COPY, index)},
  };
  if (chance.reordered)
    chance.delay_ns[0] += p->reorder_by_ns;
  if (is_hit(link, FATE_FOR_LOSS, index, p->loss_ppm))
    chance.drop = FATE_DROP_LOSS;
  if (in_burst && is_hit(link, FATE_FOR_BURST_LOSS, index, p->burst_loss_ppm))
    chance.drop = FATE_DROP_BURST;
  for (size_t i = 0; i < link->n_faults; i++)
    if (link->faults[i].frame < 0 && names_index(&link->faults[i], index))
      apply_fault(&link->faults[i], &chance);
  return chance;
}

struct fate_chance fate_at(const struct fate_link *link, uint64_t index) {
  bool in_burst = link->params.burst && burst_at(link, index, burst_before(link, index));
  return chance_of(link, index, in_burst);
}

/* Faults by frame count what they look for, so they are asked for every packet. */
static void apply_frame_faults(struct fate_link *link, fate_frames frames,
                               struct fate_chance *chance) {
  if ((frames & link->asked) == 0)
    return;
  for (unsigned frame = 0; frame < FATE_N_FRAMES; frame++)
    link->seen[frame] += frames >> frame & link->asked >> frame & 1;
  for (size_t i = 0; i < link->n_faults; i++) {
    const struct fate_fault *fault = &link->faults[i];
    bool by_index = fault->index_lo <= fault->index_hi;
    if (fault->frame >= 0 && frames >> fault->frame & 1 &&
        (fault->nth == 0 || fault->nth == link->seen[fault->frame]) &&
        (!by_index || names_index(fault, link->index)))
      apply_fault(fault, chance);
  }
}

uint32_t fate_corrupt_bit(uint64_t corrupt_draw, uint32_t payload_len) {
  return (uint32_t)fate_generator_below(corrupt_draw, (uint64_t)payload_len * 8);
}

struct fate fate_decide(struct fate_link *link, const struct fate_packet *packet, uint64_t now_ns) {
  struct fate_chance chance = chance_of(link, link->index, link->params.burst && burst_next(link));
  struct fate fate = {.index = link->index};
  uint64_t leaves_ns = now_ns;
  apply_frame_faults(link, packet->frames, &chance);
  link->index++;
  fate.drop = link->down ? FATE_DROP_DOWN : chance.drop;
  if (fate.drop == FATE_PASSES &&
      !fate_bottleneck_take(&link->line, packet->len, now_ns, &leaves_ns))
    fate.drop = FATE_DROP_QUEUE;
  if (fate.drop != FATE_PASSES)
    return fate;
  fate.copies = chance.duplicate ? 2 : 1;
  for (int i = 0; i < fate.copies; i++)
    fate.deliver_at_ns[i] = later(leaves_ns, chance.delay_ns[i]);
  fate.reordered = chance.reordered;
  fate.corrupt = chance.corrupt && packet->payload_len > 0;
  if (fate.corrupt)
    fate.corrupt_bit = fate_corrupt_bit(chance.corrupt_draw, packet->payload_len);
  return fate;
}

/* --- a link ---------------------------------------------------------------- */

static const char *wrong_params(const struct fate_params *p) {
  const uint32_t shares[] = {p->loss_ppm,      p->duplicate_ppm,   p->corrupt_ppm,
                             p->reorder_ppm,   p->burst_enter_ppm, p->burst_leave_ppm,
                             p->burst_loss_ppm};
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
    if (shares[i] > FATE_PPM)
      return "expected shares of at most 1,000,000 ppm, found more";
  if (p->delay_ns > FATE_MAX_NS || p->reorder_by_ns > FATE_MAX_NS)
    return "expected delays of at most 2^48 ns, found more";
  if (p->rate_bps > FATE_MAX_RATE_BPS)
    return "expected a rate of at most 2^50 bit/s, found more";
  if (p->jitter_ns > p->delay_ns)
    return "expected a jitter of at most the delay, found more";
  return NULL;
}

static const char *wrong_fault(const struct fate_fault *fault) {
  if (fault->frame < -1 || fault->frame >= FATE_N_FRAMES)
    return "expected a fault by a frame of RFC 9000 or RFC 9221, found another";
  if (fault->frame < 0 && fault->index_lo > fault->index_hi)
    return "expected a fault by frame or by index, found neither";
  if (fault->frame < 0 && fault->nth > 0)
    return "expected 'nth' of a frame, found no frame";
  if (fault->what == FATE_FAULT_DELAY && fault->by_ns > FATE_MAX_NS)
    return "expected delays of at most 2^48 ns, found more";
  return NULL;
}

const char *fate_link_open(struct fate_link *link, uint64_t seed, const char *from, const char *to,
                           const struct fate_params *params, const struct fate_fault *faults,
                           size_t n_faults) {
  const char *wrong = wrong_params(params);
  memset(link, 0, sizeof *link);
  for (size_t i = 0; i < n_faults && wrong == NULL; i++) {
    wrong = wrong_fault(&faults[i]);
    if (wrong == NULL && faults[i].frame >= 0)
      link->asked |= (fate_frames)1 << faults[i].frame;
  }
  if (wrong != NULL)
    return wrong;
  for (uint32_t purpose = 0; purpose < FATE_N_PURPOSES; purpose++)
    link->key[purpose] = fate_generator_key(seed, from, to, purpose);
  link->params = *params;
  link->faults = faults;
  link->n_faults = n_faults;
  fate_bottleneck_set(&link->line, params->rate_bps, params->queue_bytes, 0);
  return NULL;
}

const char *fate_link_set(struct fate_link *link, const struct fate_params *params,
                          uint64_t now_ns) {
  const char *wrong = wrong_params(params);
  if (wrong != NULL)
    return wrong;
  if (params->burst_enter_ppm != link->params.burst_enter_ppm ||
      params->burst_leave_ppm != link->params.burst_leave_ppm) {
    link->burst_index = 0;
    link->in_burst = false;
  }
  link->params = *params;
  fate_bottleneck_set(&link->line, params->rate_bps, params->queue_bytes, now_ns);
  return NULL;
}

void fate_link_down(struct fate_link *link) {
  link->down = true;
}

void fate_link_up(struct fate_link *link) {
  link->down = false;
}

const char *fate_drop_name(enum fate_drop drop) {
  static const char *const names[] = {
      [FATE_PASSES] = "passes",    [FATE_DROP_DOWN] = "down", [FATE_DROP_FAULT] = "fault",
      [FATE_DROP_BURST] = "burst", [FATE_DROP_LOSS] = "loss", [FATE_DROP_QUEUE] = "queue",
  };
  return names[drop];
}
