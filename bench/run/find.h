/* Scenario files below what a person names: a file is taken as it is, a
 * directory gives every *.yaml in it and below, in the order of their names. A
 * folder `bad` below it holds files that must be refused, one called `sweeps` those for
 * `fanbench sweep`: they are read only if they are named themselves. */
#ifndef FANBENCH_RUN_FIND_H
#define FANBENCH_RUN_FIND_H

#include <stddef.h>

struct find_list {
  char **paths;
  size_t n, room;
};

/* Adds; 0, or -1 with a sentence in err. An empty directory is an error. */
int find_scenarios(struct find_list *list, const char *path, char *err, size_t err_len);
void find_free(struct find_list *list);

#endif
