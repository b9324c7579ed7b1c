/* What the plan says of a relay, in the words of its core and its datapath. */
#ifndef FANBENCH_SIM_RELAY_PLAN_H
#define FANBENCH_SIM_RELAY_PLAN_H

#include <stdint.h>

#include "bench/scenario/plan.h"
#include "bpf/abi/defects.h"
#include "relay/quic/conn.h"

/* Slots for clients. */
uint32_t relay_plan_clients(const struct plan *plan);
struct fb_defects relay_plan_defects(const struct plan *plan);
/* enum dp_policy */
uint32_t relay_plan_policy(const struct plan_node *node);
enum qc_protection relay_plan_protection(const struct plan_node *node);
enum qc_cipher relay_plan_cipher(const struct plan_node *node);

#endif
