/* The commands of fanbench: one file each. A command gets its own arguments
 * (argv[0] = its name) and returns the exit code of the program. */
#ifndef FANBENCH_CMD_H
#define FANBENCH_CMD_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct plan_defect;

enum cmd_exit {
  CMD_OK = 0,
  CMD_NOT_EXPECTED = 1, /* a check is not as expected */
  CMD_BAD_INPUT = 2,    /* bad command line or file */
  CMD_LACKING = 3,      /* this machine lacks something */
  CMD_INCONCLUSIVE = 4,
};

int cmd_run(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_enter(int argc, char **argv);
int cmd_clean(int argc, char **argv);
int cmd_fate(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_matrix(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_shrink(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_replay(int argc, char **argv);

extern const char cmd_run_help[], cmd_verify_help[], cmd_report_help[], cmd_check_help[],
    cmd_list_help[], cmd_doctor_help[], cmd_enter_help[], cmd_clean_help[], cmd_fate_help[],
    cmd_sweep_help[], cmd_matrix_help[], cmd_compare_help[], cmd_explore_help[], cmd_shrink_help[],
    cmd_explain_help[], cmd_replay_help[];

/* getopt_long() with fanbench's words for what is wrong; shorts begins with ":".
 * Returns the option, -1 at the end, '?' after it said what is wrong (then return
 * CMD_BAD_INPUT). */
int cmd_getopt(int argc, char **argv, const char *shorts, const struct option *options);

/* Says what is wrong and where help is; returns CMD_BAD_INPUT. */
__attribute__((format(printf, 2, 3))) int cmd_usage(const char *command, const char *fmt, ...);

/* NAME[=VALUE] of --defect, whose text is cut in two and kept by *defect; a VALUE that is a time
 * must be there. 0, or CMD_BAD_INPUT after it said what is wrong. */
int cmd_defect(const char *command, char *text, struct plan_defect *defect);

/* The values of options that several commands have. 0, or CMD_BAD_INPUT after it said what is wrong. */
int cmd_mode(const char *command, const char *text, const char **mode);        /* --mode */
int cmd_keep(const char *command, const char *text, bool *all);                /* --keep */
int cmd_at_a_time(const char *command, const char *text, uint32_t *at_a_time); /* -j: 1 to 64 */

/* The mode of runs, said on stderr if nobody chose: live as root, else sim. 0, or CMD_LACKING
 * after it said so: --mode live without root is the machine's lack, not the command line's. */
int cmd_choose_mode(const char *command, const char **mode);

/* Folder of this program, where fanbench-relay and fanbench-peer are. Static. */
const char *cmd_bindir(void);

#endif
