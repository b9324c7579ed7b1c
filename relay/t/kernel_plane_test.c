/* The kernel's datapath as the relay's user space handles it. */
#include "relay/host/kernel_plane.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CLIENTS 4

static const struct plane_protection unprotected;

static struct kernel_plane *open_plane(void) {
  char err[256];
  if (geteuid() != 0) {
    print_message("skipped: needs root to load BPF programs\n");
    skip();
  }
  struct kernel_plane *k = kernel_plane_open(CLIENTS, NULL, 0, &unprotected, NULL, err, sizeof err);
  if (!k)
    fail_msg("%s", err);
  return k;
}

/* A stream that nobody has claimed becomes user space's, and says so. */
static void a_stream_is_taken(void **state) {
  (void)state;
  struct kernel_plane *k = open_plane();
  struct plane *plane = kernel_plane_interface(k);
  struct fb_take take = {.upstream_gen = 1, .ordinal = 3, .result = FB_TAKE_FOLLOWED};
  assert_int_equal(plane->ops->take_stream(plane->ctx, &take), 0);
  assert_int_equal(take.result, FB_TAKE_OURS);
  kernel_plane_close(k);
}

/* The ID of a BPF program that this process holds, from what the kernel says of its descriptors;
 * 0: none. */
static uint32_t held_program(void) {
  char path[64], line[128];
  uint32_t id = 0;
  for (int fd = 3; fd < 256 && id == 0; fd++) {
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    FILE *info = fopen(path, "r");
    while (info && id == 0 && fgets(line, sizeof line, info))
      if (sscanf(line, "prog_id:%u", &id) != 1)
        id = 0;
    if (info)
      fclose(info);
  }
  return id;
}

/* A process of its own: enters a network of its own, attaches, says which program, and waits. */
static void hold_a_program(int to) {
  char err[256];
  uint32_t id = 0;
  struct kernel_plane *k = NULL;
  if (unshare(CLONE_NEWNET) == 0)
    k = kernel_plane_open(CLIENTS, NULL, 0, &unprotected, NULL, err, sizeof err);
  if (k && kernel_plane_attach(k, "lo", err, sizeof err) == 0)
    id = held_program();
  if (write(to, &id, sizeof id) != sizeof id)
    _exit(1);
  for (;;)
    pause();
}

static bool is_loaded(uint32_t id) {
  const int fd = bpf_prog_get_fd_by_id(id);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

/* The network lives on, in a descriptor of ours: the program goes with its process alone. */
static void a_program_dies_with_its_process(void **state) {
  (void)state;
  kernel_plane_close(open_plane()); /* or it is skipped */
  int ends[2];
  uint32_t id = 0;
  char path[64];
  assert_int_equal(pipe(ends), 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0)
    hold_a_program(ends[1]);
  assert_int_equal(read(ends[0], &id, sizeof id), sizeof id);
  snprintf(path, sizeof path, "/proc/%d/ns/net", child);
  const int network = open(path, O_RDONLY | O_CLOEXEC);
  assert_true(network >= 0);
  const bool was_loaded = id != 0 && is_loaded(id);
  kill(child, SIGKILL);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_true(was_loaded);
  /* the kernel frees it behind our back */
  for (int i = 0; i < 1000 && is_loaded(id); i++)
    usleep(10000);
  assert_false(is_loaded(id));
  close(network);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_stream_is_taken),
                                     cmocka_unit_test(a_program_dies_with_its_process)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
