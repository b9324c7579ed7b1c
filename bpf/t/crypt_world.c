#include "bpf/t/crypt_world.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypt_step.skel.h"

static size_t mapped_len(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return (sizeof(struct crypt_io) + page - 1) / page * page;
}

struct crypt_world *crypt_native(void) {
  struct crypt_world *w = calloc(1, sizeof(*w));
  assert_non_null(w);
  w->name = "native";
  w->io = calloc(1, sizeof(*w->io));
  assert_non_null(w->io);
  return w;
}

struct crypt_world *crypt_kernel(const char **why) {
  struct crypt_world *w = calloc(1, sizeof(*w));
  assert_non_null(w);
  w->name = "kernel";
  *why = "needs root to load BPF programs";
  if (geteuid() == 0) {
    *why = "this root may not load BPF programs";
    w->skel = crypt_step__open_and_load();
    if (!w->skel && errno != EPERM)
      fail_msg("packet protection does not load, see above: %s", strerror(errno));
  }
  if (!w->skel) {
    free(w);
    return NULL;
  }
  w->io = mmap(NULL, mapped_len(), PROT_READ | PROT_WRITE, MAP_SHARED,
               bpf_map__fd(w->skel->maps.io), 0);
  assert_true(w->io != MAP_FAILED);
  return w;
}

void crypt_free(struct crypt_world *w) {
  if (!w)
    return;
  if (w->skel) {
    munmap(w->io, mapped_len());
    crypt_step__destroy(w->skel);
  } else {
    free(w->io);
  }
  free(w);
}

/* ns of one run, as the kernel measured it. */
static uint64_t run_kernel(struct crypt_world *w, uint32_t times) {
  uint8_t frame[64] = {0};
  struct bpf_test_run_opts opts = {
      .sz = sizeof(opts), .data_in = frame, .data_size_in = sizeof(frame), .repeat = (int)times};
  int err = bpf_prog_test_run_opts(bpf_program__fd(w->skel->progs.step), &opts);
  if (err)
    fail_msg("BPF_PROG_TEST_RUN: %s", strerror(-err));
  return opts.duration;
}

static void run_native(struct crypt_io *io) {
  uint32_t which = io->which % CRYPT_KEYS;
  if (io->spread)
    io->which++;
  io->result = (uint32_t)crypt_io_run(io, &io->keystreams[which], &io->tables[which]);
}

int crypt_run(struct crypt_world *w, enum crypt_step_name step) {
  w->io->step = step;
  if (w->skel)
    run_kernel(w, 1);
  else
    run_native(w->io);
  return (int)w->io->result;
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t crypt_time(struct crypt_world *w, enum crypt_step_name step, uint32_t times) {
  w->io->step = step;
  if (w->skel)
    return run_kernel(w, times);
  uint64_t begin = now_ns();
  for (uint32_t i = 0; i < times; i++)
    run_native(w->io);
  return times ? (now_ns() - begin) / times : 0;
}
