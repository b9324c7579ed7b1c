/* What an earlier report.json was told; see report.h. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/report.h"

static bool read_twin(const char *name, enum report_twin *twin) {
  for (enum report_twin t = REPORT_SINGLE; name && t <= REPORT_OFF; t++) {
    if (!strcmp(name, report_twin_name(t))) {
      *twin = t;
      return true;
    }
  }
  return false;
}

/* A text or null; anything else is an error. */
static bool read_text(const json_t *root, const char *name, char **text) {
  const json_t *value = json_object_get(root, name);
  if (json_is_null(value))
    return true;
  if (!json_is_string(value))
    return false;
  *text = strdup(json_string_value(value));
  return *text;
}

static bool read_tries(const json_t *root, uint32_t *tries) {
  const json_t *value = json_object_get(root, "tries");
  json_int_t n = json_integer_value(value);
  if (!json_is_integer(value) || n < 0 || n > UINT32_MAX)
    return false;
  *tries = (uint32_t)n;
  return true;
}

static int read_root(const char *path, const json_t *root, struct report_saved *saved, char *err,
                     size_t err_len) {
  const char *bad = NULL;
  if (!read_tries(root, &saved->tries))
    bad = "tries: expected a count";
  else if (!read_twin(json_string_value(json_object_get(root, "defects")), &saved->twin))
    bad = "defects: expected \"single\", \"on\" or \"off\"";
  else if (!read_text(root, "mode", &saved->mode))
    bad = "mode: expected a text";
  else if (!read_text(root, "replay", &saved->kept))
    bad = "replay: expected a text or null";
  else if (!read_text(root, "died", &saved->died))
    bad = "died: expected a text or null";
  if (!bad)
    return 0;
  snprintf(err, err_len, "%s: %s; remove the file, then its run is judged as a single one", path,
           bad);
  return -1;
}

int report_saved_load(const char *dir, struct report_saved *saved, char *err, size_t err_len) {
  json_error_t where;
  int rc = -1;
  size_t room = strlen(dir) + sizeof "/report.json";
  char *path = malloc(room);
  *saved = (struct report_saved){.tries = 1, .twin = REPORT_SINGLE};
  if (!path) {
    snprintf(err, err_len, "no memory");
    return -1;
  }
  snprintf(path, room, "%s/report.json", dir);
  FILE *from = fopen(path, "r");
  json_t *root = from ? json_loadf(from, 0, &where) : NULL;
  if (!from && errno == ENOENT)
    rc = 1;
  else if (!from)
    snprintf(err, err_len, "%s: %s", path, strerror(errno));
  else if (!root)
    snprintf(err, err_len, "%s:%d:%d: %s; remove the file, then its run is judged as a single one",
             path, where.line, where.column, where.text);
  else
    rc = read_root(path, root, saved, err, err_len);
  if (rc < 0)
    report_saved_free(saved);
  json_decref(root);
  if (from)
    fclose(from);
  free(path);
  return rc;
}

void report_saved_free(struct report_saved *saved) {
  free(saved->mode);
  free(saved->kept);
  free(saved->died);
  *saved = (struct report_saved){.tries = 1};
}
