#include "bench/sim/parts.h"

#include <string.h>
#include <sys/time.h>

#define SAMPLE_US 1000

const char *const sim_part_names[SIM_PARTS] = {
    [SIM_PART_REST] = "rest",           [SIM_PART_START] = "start",
    [SIM_PART_DATAPATH] = "datapath",   [SIM_PART_RELAY] = "relay",
    [SIM_PART_ENDPOINTS] = "endpoints", [SIM_PART_LINKS] = "links",
    [SIM_PART_WRITING] = "writing"};

volatile sig_atomic_t sim_part_now;
static volatile uint64_t samples[SIM_PARTS];
static struct sigaction before;

static void on_sample(int number) {
  (void)number;
  samples[sim_part_now]++;
}

static void set_timer(long us) {
  const struct itimerval timer = {{0, us}, {0, us}};
  setitimer(ITIMER_PROF, &timer, NULL); /* without one nothing is counted */
}

void parts_begin(void) {
  struct sigaction action = {.sa_handler = on_sample, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < SIM_PARTS; i++)
    samples[i] = 0;
  sim_part_now = SIM_PART_START;
  if (sigaction(SIGPROF, &action, &before) == 0)
    set_timer(SAMPLE_US);
}

void parts_started(void) {
  sim_part_now = SIM_PART_REST;
}

void parts_end(struct sim_parts *parts) {
  set_timer(0);
  sigaction(SIGPROF, &before, NULL);
  sim_part_now = SIM_PART_REST;
  for (int i = 0; i < SIM_PARTS; i++)
    parts->samples[i] = samples[i];
}
