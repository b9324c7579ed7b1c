/* A stand-in for the relay behind a shim, shared by the shim's tests. */
#ifndef FANBENCH_RELAY_T_SHIM_OWNER_H
#define FANBENCH_RELAY_T_SHIM_OWNER_H

#include "relay/quic/shim.h"

#define NUMBERS 8192

/* The owner of a shim: a joint counter, and all that it was told. */
struct owner {
  struct shim *shim;
  uint64_t next;
  uint64_t own_of[NUMBERS]; /* by joint number; UINT64_MAX = not ngtcp2's */
  uint64_t burned[NUMBERS], n_burned, sent;
  size_t bytes;
  bool ack_eliciting;
  bool caught;          /* every ACK is a lie */
  bool full, may_probe; /* no room for what asks for an ACK, but for probes */
  struct shim_range joint[SHIM_MAX_RANGES], own[SHIM_MAX_RANGES];
  size_t n_joint, n_own;
  uint64_t delay, acks;
  uint64_t max_data, max_streams_uni, sid, limit, code;
  unsigned max_stream_data_calls, stop_calls;
};

/* For cmocka: *state is a struct owner with an empty shim. */
int shim_owner_setup(void **state);
int shim_owner_teardown(void **state);

#endif
