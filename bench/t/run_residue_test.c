/* Whose namespace it is that residue_outside() finds. What a whole run leaves:
 * run_live_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/run/residue.h"

static void need_root(void) {
  if (geteuid() != 0)
    skip();
}

/* How many processes and mounts hold it. */
static int held(const struct netns_name *name) {
  json_t *found = json_pack("{s:[], s:[]}", "examined", "left");
  residue_outside(found, name, 1);
  int count = (int)json_array_size(json_object_get(found, "left"));
  json_decref(found);
  return count;
}

static void what_a_process_holds_is_seen(void **state) {
  (void)state;
  need_root();
  struct netns_name mine;
  assert_int_equal(netns_name_of("/proc/self/ns/net", &mine), 0);
  assert_true(held(&mine) > 0);
}

/* The kernel gives the inode of a namespace that is gone to the next one: a run beside this
 * one stood convicted of what it never left. */
static void who_got_the_inode_next_is_not_blamed(void **state) {
  (void)state;
  need_root();
  struct netns_name gone;
  assert_int_equal(netns_name_of("/proc/self/ns/net", &gone), 0);
  gone.cookie++;
  assert_int_equal(held(&gone), 0);
}

/* In mounts of its own: 0 = what a mount alone holds is seen, and no longer when it went. */
static int look_at_a_mount(const char *file) {
  struct netns ns;
  char err[256];
  if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      netns_make(&ns, err, sizeof err) != 0)
    return 1;
  const struct netns_name name = ns.name, other = {name.inode, name.cookie + 1};
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ns.fd);
  if (mount(path, file, NULL, MS_BIND, NULL) != 0)
    return 2;
  netns_close(&ns);
  if (held(&name) != 1 || held(&other) != 0)
    return 3;
  return umount(file) == 0 && held(&name) == 0 ? 0 : 4;
}

static void a_mounted_namespace_is_seen(void **state) {
  (void)state;
  need_root();
  char file[] = "/tmp/fanbench-mount-XXXXXX";
  int fd = mkstemp(file), status;
  assert_true(fd >= 0);
  close(fd);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0)
    _exit(look_at_a_mount(file));
  assert_int_equal(waitpid(pid, &status, 0), pid);
  unlink(file);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_process_holds_is_seen),
      cmocka_unit_test(who_got_the_inode_next_is_not_blamed),
      cmocka_unit_test(a_mounted_namespace_is_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
