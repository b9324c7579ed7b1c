/* fanbench: finds the command and hands over. */
#include <stdarg.h>
#include <string.h>

#include "bench/cmd.h"
#include "version.h"

struct command {
  const char *name, *summary;
  int (*run)(int argc, char **argv); /* NULL: not built yet */
  const char *help;
};

static const struct command commands[] = {
    {"run", "run scenarios and judge them", cmd_run, cmd_run_help},
    {"verify", "judge a run directory again", cmd_verify, cmd_verify_help},
    {"report", "write the report files of a run directory again", cmd_report, cmd_report_help},
    {"check", "read scenario files, say what is wrong", cmd_check, cmd_check_help},
    {"list", "scenarios, checks, defects, policies", cmd_list, cmd_list_help},
    {"compare", "the same objects at two subscribers", cmd_compare, cmd_compare_help},
    {"matrix", "every defect against every check", cmd_matrix, cmd_matrix_help},
    {"doctor", "what this machine has and lacks", cmd_doctor, cmd_doctor_help},
    {"enter", "run a command inside a held run", cmd_enter, cmd_enter_help},
    {"clean", "remove files of runs that are gone", cmd_clean, cmd_clean_help},
    {"explain", "explain a check, defect or decision", cmd_explain, cmd_explain_help},
    {"shrink", "the smallest scenario that still fails", cmd_shrink, cmd_shrink_help},
    {"sweep", "paired runs over seeds and settings", cmd_sweep, cmd_sweep_help},
    {"fate", "what a link does to packet N", cmd_fate, cmd_fate_help},
    {"replay", "a run in native code and the kernel's program, compared", cmd_replay,
     cmd_replay_help},
    {"explore", "scenarios by chance, from seeds", cmd_explore, cmd_explore_help},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static void help(FILE *to) {
  fputs(
      "usage: fanbench COMMAND [ARGUMENT]...\n"
      "A test bench for QUIC fan-out relays whose copies are made in the kernel.\n\n",
      to);
  for (size_t i = 0; i < N_COMMANDS; i++)
    fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
  fputs(
      "\n"
      "fanbench COMMAND --help has options and examples.\n"
      "\n"
      "examples:\n"
      "  sudo fanbench doctor\n"
      "  sudo fanbench run scenarios/first/quickstart.yaml\n"
      "  sudo fanbench run scenarios/ --out out -j 2\n"
      "\n"
      "Exit: 0 as expected, 1 not as expected, 2 bad command line or input,\n"
      "3 this machine lacks something, 4 inconclusive.\n",
      to);
}

static const struct command *find(const char *name) {
  for (size_t i = 0; i < N_COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

/* "--help" anywhere in front of "--". */
static int wants_help(int argc, char **argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
      return 1;
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    help(stderr);
    return CMD_BAD_INPUT;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    help(stdout);
    return CMD_OK;
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts("fanbench " FANBENCH_VERSION " (" FANBENCH_COMMIT ")");
    return CMD_OK;
  }
  const struct command *command = find(argv[1]);
  if (command == NULL) {
    fprintf(stderr, "fanbench: there is no command \"%s\"; fanbench --help lists them\n", argv[1]);
    return CMD_BAD_INPUT;
  }
  if (command->run == NULL) {
    fprintf(stderr, "fanbench: %s is not built yet\n", command->name);
    return CMD_BAD_INPUT;
  }
  if (wants_help(argc - 1, argv + 1)) {
    fputs(command->help, stdout);
    return CMD_OK;
  }
  return command->run(argc - 1, argv + 1);
}
