/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often something took how long, or was how large: counts by steps, as a plain value.
 *
 * The steps are the caller's, in rising order; what is above the last one is counted as well.  A
 * count is of its own step alone: who shows Prometheus' cumulative buckets adds them up.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_STEPS_MAX = 20 };

/* Upper bounds, inclusive, of all steps but the last, which has none. */
struct histogram_steps {
	const double *bounds; /* static */
	size_t count;         /* at most HISTOGRAM_STEPS_MAX */
};

/* Zeros are an empty one. */
struct histogram {
	uint64_t counts[HISTOGRAM_STEPS_MAX + 1]; /* by step; behind the last bound all the rest */
	uint64_t count;
	double sum;
};

/* Seconds, from 0.1 ms to 30 s: for what a request waits for. */
extern const struct histogram_steps histogram_latency_s;

void histogram_add(struct histogram *histogram, const struct histogram_steps *steps, double value);
