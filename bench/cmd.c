#include "bench/cmd.h"

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "bench/scenario/unit.h"
#include "bench/scenario/words.h"

#define MAX_AT_A_TIME 64 /* runs; more do not fit any machine that this is for */

int cmd_usage(const char *command, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fprintf(stderr, "fanbench %s: ", command);
  vfprintf(stderr, fmt, ap);
  fprintf(stderr, "; see fanbench %s --help\n", command);
  va_end(ap);
  return CMD_BAD_INPUT;
}

int cmd_getopt(int argc, char **argv, const char *shorts, const struct option *options) {
  opterr = 0;
  int opt = getopt_long(argc, argv, shorts, options, NULL);
  if (opt == ':')
    cmd_usage(argv[0], "option %s needs a value", argv[optind - 1]);
  else if (opt == '?')
    cmd_usage(argv[0], "there is no option %s", argv[optind - 1]);
  return opt == ':' ? '?' : opt;
}

int cmd_defect(const char *command, char *text, struct plan_defect *defect) {
  char *equals = strchr(text, '=');
  if (equals != NULL)
    *equals = '\0';
  const struct plan_defect_word *word = plan_words_defect;
  uint64_t ns;
  while (word->name != NULL && strcmp(word->name, text) != 0)
    word++;
  if (word->name == NULL)
    return cmd_usage(command,
                     "--defect: there is no defect \"%s\"; fanbench list --defects has them", text);
  if (word->needs_time && (equals == NULL || plan_unit_time(equals + 1, &ns) != NULL))
    return cmd_usage(command, "--defect: expected %s=TIME, such as %s=600ms, found \"%s\"", text,
                     text, equals != NULL ? equals + 1 : text);
  *defect = (struct plan_defect){.name = text, .value = equals != NULL ? equals + 1 : NULL};
  return 0;
}

int cmd_mode(const char *command, const char *text, const char **mode) {
  *mode = text;
  if (strcmp(text, "live") == 0 || strcmp(text, "sim") == 0)
    return 0;
  return cmd_usage(command, "--mode: expected live or sim, found \"%s\"", text);
}

int cmd_keep(const char *command, const char *text, bool *all) {
  *all = strcmp(text, "all") == 0;
  if (*all || strcmp(text, "failing") == 0)
    return 0;
  return cmd_usage(command, "--keep: expected all or failing, found \"%s\"", text);
}

int cmd_at_a_time(const char *command, const char *text, uint32_t *at_a_time) {
  uint64_t n = 0;
  if (plan_unit_count(text, &n) != NULL || n < 1 || n > MAX_AT_A_TIME)
    return cmd_usage(command, "-j: expected 1 to %d, found \"%s\"", MAX_AT_A_TIME, text);
  *at_a_time = (uint32_t)n;
  return 0;
}

int cmd_choose_mode(const char *command, const char **mode) {
  bool root = geteuid() == 0;
  if (*mode == NULL) {
    *mode = root ? "live" : "sim";
    fprintf(stderr, "fanbench: mode %s", *mode);
    if (!root)
      fprintf(stderr, ", since live needs root (sudo fanbench %s ...)", command);
    fputc('\n', stderr);
  } else if (strcmp(*mode, "live") == 0 && !root) {
    fprintf(stderr,
            "fanbench: this machine lacks root: mode live makes namespaces and loads BPF\n"
            "  what to do: run it as root (sudo fanbench %s ...)\n",
            command);
    return CMD_LACKING;
  }
  return 0;
}

const char *cmd_bindir(void) {
  static char path[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n <= 0)
    return ".";
  path[n] = '\0';
  *strrchr(path, '/') = '\0';
  return path;
}
