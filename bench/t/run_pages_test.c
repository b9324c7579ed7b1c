/* What is allocated after pages_prepare() lies where the system was asked for large pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/run/pages.h"

#define WANTED (size_t)(24 << 20)
#define BLOCK  (size_t)2000

/* Whether the mapping that holds the address has the flag "hg". */
static bool is_advised(const void *address) {
  FILE *maps = fopen("/proc/self/smaps", "re");
  char line[512];
  bool in_it = false, advised = false;
  unsigned long from, to;
  assert_non_null(maps);
  while (fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
      in_it = (uintptr_t)address >= from && (uintptr_t)address < to;
    else if (in_it && strncmp(line, "VmFlags:", 8) == 0)
      advised = strstr(line, " hg") != NULL;
  }
  fclose(maps);
  return advised;
}

static void small_blocks_lie_in_large_pages(void **state) {
  (void)state;
  if (access("/sys/kernel/mm/transparent_hugepage/enabled", F_OK) != 0) {
    print_message("this kernel has no transparent huge pages\n");
    skip();
  }
  void **chain = NULL;
  size_t advised = 0, n = 0;
  pages_prepare(WANTED);
  for (size_t taken = 0; taken < WANTED / 2; taken += BLOCK, n++) {
    void **block = malloc(BLOCK);
    assert_non_null(block);
    if (n % 500 == 0)
      advised += is_advised(block);
    *block = chain;
    chain = block;
  }
  /* but for the first ones: the heap does not begin at a large page */
  assert_true(advised + 3 > n / 500);
  while (chain != NULL) {
    void **next = *chain;
    free(chain);
    chain = next;
  }
}

static void too_much_is_no_failure(void **state) {
  (void)state;
  pages_prepare(SIZE_MAX / 4);
  void *block = malloc(100 << 20);
  assert_non_null(block);
  free(block);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_blocks_lie_in_large_pages),
                                     cmocka_unit_test(too_much_is_no_failure)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
