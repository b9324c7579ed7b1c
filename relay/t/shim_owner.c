#include "relay/t/shim_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t take_number(void *arg) {
  return ((struct owner *)arg)->next++;
}

static uint64_t next_number(void *arg) {
  return ((struct owner *)arg)->next;
}

static void own_sent(void *arg, uint64_t joint, uint64_t own, size_t bytes, bool ack_eliciting,
                     bool burned) {
  struct owner *o = arg;

  assert_true(joint < NUMBERS);
  o->own_of[joint] = own;
  o->bytes = bytes;
  o->ack_eliciting = ack_eliciting;
  o->sent++;
  if (burned)
    o->burned[o->n_burned++] = joint;
}

static bool has_room(void *arg, size_t bytes, bool probe) {
  const struct owner *o = arg;

  assert_true(bytes > 20);
  return !o->full || (probe && o->may_probe);
}

static bool on_ack(void *arg, const struct shim_range *joint, size_t n_joint,
                   const struct shim_range *own, size_t n_own, uint64_t delay_raw) {
  struct owner *o = arg;

  memcpy(o->joint, joint, n_joint * sizeof(*joint));
  memcpy(o->own, own, n_own * sizeof(*own));
  o->n_joint = n_joint;
  o->n_own = n_own;
  o->delay = delay_raw;
  o->acks++;
  return !o->caught;
}

static void on_max_data(void *arg, uint64_t limit) {
  ((struct owner *)arg)->max_data = limit;
}

static void on_max_streams_uni(void *arg, uint64_t limit) {
  ((struct owner *)arg)->max_streams_uni = limit;
}

static bool is_fanout_stream(void *arg, uint64_t sid) {
  (void)arg;
  return (sid & 3) == 3 && sid > 3;
}

static void on_max_stream_data(void *arg, uint64_t sid, uint64_t limit) {
  struct owner *o = arg;

  o->sid = sid;
  o->limit = limit;
  o->max_stream_data_calls++;
}

static void on_stop_sending(void *arg, uint64_t sid, uint64_t code) {
  struct owner *o = arg;

  o->sid = sid;
  o->code = code;
  o->stop_calls++;
}

static const struct shim_ops ops = {
    .take_number = take_number,
    .next_number = next_number,
    .own_sent = own_sent,
    .has_room = has_room,
    .ack = on_ack,
    .max_data = on_max_data,
    .max_streams_uni = on_max_streams_uni,
    .is_fanout_stream = is_fanout_stream,
    .max_stream_data = on_max_stream_data,
    .stop_sending = on_stop_sending,
};

int shim_owner_setup(void **state) {
  struct owner *o = calloc(1, sizeof(*o));

  o->shim = shim_new(&ops, o);
  memset(o->own_of, 0xff, sizeof(o->own_of));
  *state = o;
  return o->shim ? 0 : -1;
}

int shim_owner_teardown(void **state) {
  struct owner *o = *state;

  shim_free(o->shim);
  free(o);
  return 0;
}
