#include "bench/replay/killed.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "relay" and 2 of "DIR/relay-2.journal"; *dir_len bytes are in front. */
static bool take_apart(const char *journal, size_t *dir_len, char *node, size_t room,
                       unsigned long *life) {
  const char *slash = strrchr(journal, '/');
  const char *name = slash != NULL ? slash + 1 : journal;
  const char *dash = strrchr(name, '-');
  char *end;
  *dir_len = (size_t)(name - journal);
  if (dash == NULL || (size_t)(dash - name) >= room)
    return false;
  memcpy(node, name, (size_t)(dash - name));
  node[dash - name] = '\0';
  *life = strtoul(dash + 1, &end, 10);
  return end != dash + 1 && strcmp(end, ".journal") == 0;
}

/* "relay[1]", whose files are named "relay.1"? */
static bool is_node(const char *name, const char *file_name) {
  const char *bracket = strchr(name, '[');
  const size_t len = bracket != NULL ? (size_t)(bracket - name) : strlen(name);
  if (strncmp(name, file_name, len) != 0)
    return false;
  if (bracket == NULL)
    return file_name[len] == '\0';
  const size_t index_len = strcspn(bracket + 1, "]");
  return file_name[len] == '.' && strncmp(file_name + len + 1, bracket + 1, index_len) == 0 &&
         file_name[len + 1 + index_len] == '\0';
}

static bool ends_a_life(const char *line, const char *node) {
  json_t *fault = json_loads(line, 0, NULL);
  const char *kind = json_string_value(json_object_get(fault, "kind"));
  const char *name = json_string_value(json_object_get(fault, "node"));
  const bool ends = kind != NULL && name != NULL && is_node(name, node) &&
                    json_is_true(json_object_get(fault, "ok")) &&
                    (strcmp(kind, "kill") == 0 || strcmp(kind, "restart") == 0);
  json_decref(fault);
  return ends;
}

bool killed_by_fault(const char *journal) {
  char node[256], *path = NULL, *line = NULL;
  size_t dir_len, room = 0;
  unsigned long life, ended = 0;
  if (!take_apart(journal, &dir_len, node, sizeof node, &life) ||
      asprintf(&path, "%.*sfaults.jsonl", (int)dir_len, journal) < 0)
    return false;
  FILE *from = fopen(path, "re");
  while (from != NULL && getline(&line, &room, from) > 0)
    ended += ends_a_life(line, node);
  if (from != NULL)
    fclose(from);
  free(line);
  free(path);
  return life > 0 && life <= ended;
}
