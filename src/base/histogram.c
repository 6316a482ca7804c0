/* SPDX-License-Identifier: BSD-2-Clause */
#include "histogram.h"

static const double histogram_latency_bounds[] = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
						  0.1,    0.3,    1,     3,     10,   30};

const struct histogram_steps histogram_latency_s = {
	histogram_latency_bounds,
	sizeof(histogram_latency_bounds) / sizeof(histogram_latency_bounds[0]),
};

void histogram_add(struct histogram *histogram, const struct histogram_steps *steps, double value)
{
	size_t step = 0;

	while (step < steps->count && value > steps->bounds[step])
		step++;
	histogram->counts[step]++;
	histogram->count++;
	histogram->sum += value;
}
