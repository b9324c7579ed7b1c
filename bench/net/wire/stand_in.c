#include "bench/net/wire/stand_in.h"

#include <sched.h>
#include <time.h>

#define SECOND_NS UINT64_C(1000000000)
/* So long after the time that something was due it should have left: a sleeper wakes up late
 * by some 50 us. */
#define OVERDUE_NS (60 * UINT64_C(1000))
/* How often it looks for what has arrived and nobody took. */
#define LOOK_NS (500 * UINT64_C(1000))
/* Somebody works. */
#define BUSY_NS (50 * UINT64_C(1000))

static uint64_t now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void sleep_until(uint64_t at_ns) {
  const struct timespec at = {.tv_sec = (time_t)(at_ns / SECOND_NS),
                              .tv_nsec = (long)(at_ns % SECOND_NS)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* When it has to act if nobody else does before. */
static uint64_t turn_at(const struct stand_in *s) {
  const uint64_t due_ns = atomic_load(&s->due_ns), look_ns = atomic_load(&s->worked_ns) + LOOK_NS;
  const bool sooner = due_ns < look_ns - OVERDUE_NS;
  return sooner ? due_ns + OVERDUE_NS : look_ns;
}

static void *run(void *arg) {
  struct stand_in *s = arg;
  while (!atomic_load(&s->over)) {
    const uint64_t at_ns = turn_at(s), now_ns = now();
    if (now_ns < at_ns) {
      sleep_until(at_ns);
      continue; /* the first thread may have worked meanwhile */
    }
    if (pthread_mutex_trylock(&s->lock) != 0) {
      sleep_until(now_ns + BUSY_NS);
      continue;
    }
    s->times += atomic_load(&s->due_ns) < now_ns;
    s->work(s->arg);
    pthread_mutex_unlock(&s->lock);
  }
  return NULL;
}

/* A CPU other than `here` that this process may use; `here`: none. */
static unsigned another_cpu(unsigned here) {
  cpu_set_t may;
  CPU_ZERO(&may);
  if (sched_getaffinity(0, sizeof may, &may) != 0)
    return here;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (cpu != here && CPU_ISSET(cpu, &may))
      return cpu;
  return here;
}

static void start_on(struct stand_in *s, unsigned cpu) {
  cpu_set_t only;
  pthread_attr_t attr;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (pthread_attr_init(&attr) != 0)
    return;
  s->runs = pthread_attr_setaffinity_np(&attr, sizeof only, &only) == 0 &&
            pthread_create(&s->thread, &attr, run, s) == 0;
  pthread_attr_destroy(&attr);
}

void stand_in_start(struct stand_in *stand_in, void (*work)(void *arg), void *arg) {
  const int cpu = sched_getcpu();
  const unsigned here = cpu >= 0 ? (unsigned)cpu : 0, there = another_cpu(here);
  *stand_in = (struct stand_in){.work = work, .arg = arg};
  pthread_mutex_init(&stand_in->lock, NULL);
  atomic_store(&stand_in->due_ns, UINT64_MAX);
  atomic_store(&stand_in->worked_ns, now());
  if (cpu < 0 || there == here)
    return;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(here, &only);
  if (sched_setaffinity(0, sizeof only, &only) == 0)
    start_on(stand_in, there);
}

void stand_in_lock(struct stand_in *stand_in) {
  pthread_mutex_lock(&stand_in->lock);
}

void stand_in_unlock(struct stand_in *stand_in) {
  pthread_mutex_unlock(&stand_in->lock);
}

void stand_in_note(struct stand_in *stand_in, uint64_t now_ns, uint64_t due_ns) {
  atomic_store(&stand_in->due_ns, due_ns);
  atomic_store(&stand_in->worked_ns, now_ns);
}

void stand_in_stop(struct stand_in *stand_in) {
  atomic_store(&stand_in->over, true);
  if (stand_in->runs)
    pthread_join(stand_in->thread, NULL);
  stand_in->runs = false;
  pthread_mutex_destroy(&stand_in->lock);
}
