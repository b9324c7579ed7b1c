/* What a switch costs: nothing while all are off, for then the object without switches is what
 * is loaded. Prints, for each switch that is on, what the verifier looked at and what is left of
 * the program on tcx ingress (instructions, bytes of machine code). */
#include "bpf/abi/limits.h"
#include "bpf/program.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LOG_STATS 4 /* BPF_LOG_STATS of the kernel: the summary alone */

struct cost {
  uint32_t verified, kept, machine;
};

/* Loads it. False: this root may not. */
static bool cost_of(struct relay *skel, struct cost *cost) {
  static char log[65536];
  struct bpf_program *ingress = skel->progs.ingress;
  bpf_map__set_max_entries(skel->maps.downs, FB_MAX_SUBSCRIBERS);
  bpf_program__set_log_buf(ingress, log, sizeof log);
  bpf_program__set_log_level(ingress, LOG_STATS);
  int err = relay__load(skel);
  if (err == -EPERM)
    return false;
  assert_int_equal(err, 0);
  struct bpf_prog_info info = {0};
  uint32_t len = sizeof info;
  assert_int_equal(bpf_prog_get_info_by_fd(bpf_program__fd(ingress), &info, &len), 0);
  const char *line = strstr(log, "processed ");
  assert_non_null(line);
  *cost = (struct cost){.verified = (uint32_t)strtoul(line + strlen("processed "), NULL, 10),
                        .kept = info.xlated_prog_len / (uint32_t)sizeof(struct bpf_insn),
                        .machine = info.jited_prog_len};
  return true;
}

static struct cost cost(struct relay *skel) {
  struct cost found;
  assert_non_null(skel);
  const bool loaded = cost_of(skel, &found);
  relay__destroy(skel);
  if (!loaded) {
    print_message("skipped: this root may not load BPF programs\n");
    skip();
  }
  return found;
}

static void print(const char *name, struct cost c, struct cost off) {
  print_message("%-22s %8u %6u %+5d %7u\n", name, c.verified, c.kept, (int)c.kept - (int)off.kept,
                c.machine);
}

static void off_is_the_program_without_switches(void **state) {
  (void)state;
  static const struct {
    const char *name;
    uint64_t on;
  } switches[] = {
#define SWITCH(field, name, on) {name, on},
      FB_DEFECTS(SWITCH)
#undef SWITCH
  };
  if (geteuid() != 0) {
    print_message("skipped: needs root to load BPF programs\n");
    skip();
  }
  struct fb_defects defects = {0};
  const struct cost off = cost(program_open(&defects));
  const struct cost plain = cost((struct relay *)plain__open());
  const struct cost idle = cost(relay__open());
  print_message("switch on              verified   kept  more machine\n");
  print("none", off, off);
  print("(none, object with)", idle, off);
  for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
    defects = (struct fb_defects){0};
    memcpy((char *)&defects + i * sizeof(uint64_t), &switches[i].on, sizeof(uint64_t));
    const struct cost on = cost(program_open(&defects));
    print(switches[i].name, on, off);
    assert_true(on.kept > off.kept);
  }
  assert_memory_equal(&off, &plain, sizeof off);
  assert_true(idle.kept > off.kept);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(off_is_the_program_without_switches)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
