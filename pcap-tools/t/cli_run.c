#include "pcap-tools/t/cli_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pcap-tools/cli/commands.h"

char *cli_out, *cli_talk;

void cli_free(void) {
  free(cli_out);
  free(cli_talk);
  cli_out = cli_talk = NULL;
}

int cli_run(const char *line) {
  static char words[1024];
  char *argv[24];
  int argc = 0;
  size_t n;
  cli_free();
  FILE *out = open_memstream(&cli_out, &n), *talk = open_memstream(&cli_talk, &n);
  snprintf(words, sizeof words, "%s", line);
  for (char *w = strtok(words, " "); w && argc < 23; w = strtok(NULL, " "))
    argv[argc++] = w;
  argv[argc] = NULL;
  int code = qp_cli(argc, argv, out, talk);
  fclose(out);
  fclose(talk);
  return code;
}

int cli_run_tape(const char *command, const struct tape *t, unsigned n_files) {
  char line[1024];
  size_t len = (size_t)snprintf(line, sizeof line, "quicpcap %s", command);
  for (unsigned i = 0; i < n_files; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/cli-%u.pcapng", tape_dir(), i);
    tape_write(t, path, i, 0);
    len += (size_t)snprintf(line + len, sizeof line - len, " %s", path);
  }
  return cli_run(line);
}

size_t cli_lines(void) {
  size_t n = 0;
  for (const char *p = cli_out; *p; p++)
    n += *p == '\n';
  return n;
}

/* The next line of *rest as an object, NULL at the end. */
static json_t *next_object(char **rest) {
  json_error_t err;
  char *line = strsep(rest, "\n");
  if (!line || !*line)
    return NULL;
  json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, &err);
  if (!o)
    fail_msg("not a JSON object: %s: %s", err.text, line);
  return o;
}

size_t cli_json_rows(const char *key, const char *text) {
  size_t rows = 0;
  char *copy = strdup(cli_out), *rest = copy;
  for (json_t *o; (o = next_object(&rest)); json_decref(o)) {
    const char *value = json_string_value(json_object_get(o, key));
    rows += value && strstr(value, text) != NULL;
  }
  free(copy);
  return rows;
}

long long cli_json_number(const char *key) {
  long long value = -1;
  bool found = false;
  char *copy = strdup(cli_out), *rest = copy;
  for (json_t *o; (o = next_object(&rest)); json_decref(o)) {
    const json_t *member = json_object_get(o, key);
    if (!found && json_is_integer(member)) {
      value = json_integer_value(member);
      found = true;
    }
  }
  free(copy);
  if (!found)
    fail_msg("no line has a number %s:\n%s", key, cli_out);
  return value;
}

void cli_says(const char *text) {
  if (!strstr(cli_out, text))
    fail_msg("expected \"%s\" in the output, found:\n%s", text, cli_out);
}

void cli_talks(const char *text) {
  if (!strstr(cli_talk, text))
    fail_msg("expected \"%s\" on stderr, found:\n%s", text, cli_talk);
}
