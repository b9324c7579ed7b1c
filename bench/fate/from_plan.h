/* Parameters and faults of a checked plan (bench/scenario/plan.h) as this folder
 * knows them. Macros, because this folder includes nothing and the wire process,
 * the simulation and `fanbench fate` must all convert alike. */
#ifndef FANBENCH_FATE_FROM_PLAN_H
#define FANBENCH_FATE_FROM_PLAN_H

#include "bench/fate/way.h"

/* impair: const struct plan_impair * -> struct fate_params */
#define FATE_PARAMS_OF(impair)                                                                     \
  ((struct fate_params){                                                                           \
      .delay_ns = (impair)->delay_ns,                                                              \
      .jitter_ns = (impair)->jitter_ns,                                                            \
      .loss_ppm = (impair)->loss_ppm,                                                              \
      .duplicate_ppm = (impair)->duplicate_ppm,                                                    \
      .corrupt_ppm = (impair)->corrupt_ppm,                                                        \
      .reorder_ppm = (impair)->reorder_ppm,                                                        \
      .reorder_by_ns = (impair)->reorder_by_ns,                                                    \
      .rate_bps = (impair)->rate_bps,                                                              \
      .queue_bytes = (impair)->queue_bytes,                                                        \
      .burst = (impair)->burst,                                                                    \
      .burst_enter_ppm = (impair)->burst_enter_ppm,                                                \
      .burst_leave_ppm = (impair)->burst_leave_ppm,                                                \
      .burst_loss_ppm = (impair)->burst_loss_ppm,                                                  \
  })

/* fault: const struct plan_fault * -> struct fate_fault */
#define FATE_FAULT_OF(fault)                                                                       \
  ((struct fate_fault){                                                                            \
      .what = (enum fate_fault_do)(fault)->what,                                                   \
      .frame = (fault)->frame ? (int)fate_frame_find((fault)->frame) : -1,                         \
      .nth = (fault)->nth,                                                                         \
      .index_lo = (fault)->index_lo,                                                               \
      .index_hi = (fault)->index_hi,                                                               \
      .by_ns = (fault)->by_ns,                                                                     \
  })

/* receiver: const struct plan_node * -> struct fate_way_ids */
#define FATE_WAY_IDS_OF(receiver)                                                                  \
  ((struct fate_way_ids){                                                                          \
      .of_relay = (receiver)->role == PLAN_RELAY,                                                  \
      .cid_len = (receiver)->cid_len,                                                              \
  })

#endif
