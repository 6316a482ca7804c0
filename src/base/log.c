/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include "memory.h"
#include "printable.h"
#include "syslog_link.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_LINE_SIZE = 4096,          /* longest line; what is longer is cut */
	LOG_BUFFER_SIZE = 1024 * 1024, /* what may wait for a slow log daemon */
	LOG_GATHER_BYTES = 64 * 1024,  /* so much is written without waiting for more */
	LOG_GATHER_MS = 20,            /* from one writing to the next */
	LOG_WRITE_BYTES = 4096,        /* at most, to stderr: PIPE_BUF, which pipe(7) keeps whole */
	LOG_STOP_S = 2,                /* how long the end waits for a log that nobody reads */
	LOG_DROPPED_LEVEL = LOG_WARNING, /* level of the line that tells of lost ones */
};

/* Lines one behind the other: a byte with the level, the text, a NUL. */
struct log_buffer {
	char *bytes;
	size_t used;
};

static struct {
	bool to_stderr;
	bool errors_to_stderr;
	bool has_writer;
	pthread_t writer;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	pthread_cond_t ended;
	bool stop, has_ended;
	bool is_urgent;            /* there is a line in filling that waits for no other */
	struct log_buffer filling; /* by everybody */
	struct log_buffer writing; /* the writer's own; it swaps the two */
	struct timespec written;   /* monotonic: when it wrote last */
	uint64_t dropped;          /* lines that found no room since the last that did */
} logger = {
	.to_stderr = true,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER,
	.ended = PTHREAD_COND_INITIALIZER,
};

static const char *log_level_word(int level)
{
	switch (level) {
	case LOG_ERR:
		return "error: ";
	case LOG_WARNING:
		return "warning: ";
	case LOG_DEBUG:
		return "debug: ";
	}
	return "";
}

/* Lines for stderr, gathered for one write(2). */
struct log_page {
	char bytes[LOG_WRITE_BYTES];
	size_t used;
};

static void log_page_flush(struct log_page *page)
{
	/* Whoever closed our stderr does not want to read it. */
	ssize_t written = page->used > 0 ? write(STDERR_FILENO, page->bytes, page->used) : 0;
	(void)written;
	page->used = 0;
}

/* Whole lines only, so that those of several processes do not mix; a longer one is cut. */
static void log_page_add(struct log_page *page, int level, const char *text)
{
	char line[LOG_WRITE_BYTES];
	int length =
		snprintf(line, sizeof(line) - 1, "sixgated: %s%s", log_level_word(level), text);
	size_t used = length < 0 ? 0 : (size_t)length;

	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	if (page->used + used > sizeof(page->bytes))
		log_page_flush(page);
	memcpy(page->bytes + page->used, line, used);
	page->used += used;
}

static void log_write_line(struct log_page *page, int level, const char *text)
{
	if (!logger.to_stderr)
		syslog_link_add(level, log_level_word(level), span_of(text));
	if (logger.to_stderr || (level == LOG_ERR && logger.errors_to_stderr))
		log_page_add(page, level, text);
}

static void log_write_dropped(struct log_page *page, uint64_t dropped)
{
	char text[96];
	snprintf(text, sizeof(text),
		 "%llu log lines lost: the system log did not take them in time",
		 (unsigned long long)dropped);
	log_write_line(page, LOG_DROPPED_LEVEL, text);
}

static void log_write_lines(const struct log_buffer *lines, uint64_t dropped)
{
	struct log_page page = {.used = 0};

	for (size_t at = 0; at < lines->used;) {
		const char *text = lines->bytes + at + 1;
		log_write_line(&page, lines->bytes[at], text);
		at += 1 + strlen(text) + 1;
	}
	if (dropped > 0)
		log_write_dropped(&page, dropped);
	log_page_flush(&page);
	syslog_link_flush();
}

/* So much later. */
static struct timespec log_later(struct timespec from, long ms)
{
	from.tv_nsec += ms * 1000000;
	if (from.tv_nsec >= 1000000000) {
		from.tv_sec++;
		from.tv_nsec -= 1000000000;
	}
	return from;
}

/*
 * Wait for a line, and then, unless it tells of trouble or is the first for a while, a little for
 * more of them: to wake a thread costs more than to write a line, and to wake it for each would
 * slow mail down.
 */
static void log_gather(void)
{
	while (logger.filling.used == 0 && !logger.stop)
		pthread_cond_wait(&logger.wake, &logger.lock);
	struct timespec until = log_later(logger.written, LOG_GATHER_MS);
	while (logger.filling.used < LOG_GATHER_BYTES && !logger.is_urgent && !logger.stop)
		if (pthread_cond_clockwait(&logger.wake, &logger.lock, CLOCK_MONOTONIC, &until) !=
		    0)
			return;
}

static void *log_writer_main(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&logger.lock);
	for (;;) {
		log_gather();
		if (logger.filling.used == 0)
			break;
		struct log_buffer taken = logger.filling;
		logger.filling = logger.writing;
		logger.writing = taken;
		uint64_t dropped = logger.dropped;
		logger.dropped = 0;
		logger.is_urgent = false;
		pthread_mutex_unlock(&logger.lock);

		log_write_lines(&taken, dropped);

		pthread_mutex_lock(&logger.lock);
		logger.writing.used = 0;
		clock_gettime(CLOCK_MONOTONIC, &logger.written);
	}
	logger.has_ended = true;
	pthread_cond_signal(&logger.ended);
	pthread_mutex_unlock(&logger.lock);
	return NULL;
}

static void log_queue_line(int level, struct span text)
{
	pthread_mutex_lock(&logger.lock);
	struct log_buffer *buffer = &logger.filling;
	size_t before = buffer->used;
	if (before + text.length + 2 <= LOG_BUFFER_SIZE) {
		char *to = buffer->bytes + before;
		to[0] = (char)level;
		memcpy(to + 1, text.text, text.length);
		to[1 + text.length] = '\0';
		buffer->used += text.length + 2;
	} else {
		logger.dropped++;
	}
	bool is_urgent = level <= LOG_WARNING && !logger.is_urgent;
	bool is_much = before < LOG_GATHER_BYTES && buffer->used >= LOG_GATHER_BYTES;
	logger.is_urgent = logger.is_urgent || is_urgent;
	pthread_mutex_unlock(&logger.lock);
	if (before == 0 || is_much || is_urgent)
		pthread_cond_signal(&logger.wake);
}

/* text: printable, and with a NUL behind it. */
static void log_text(int level, struct span text)
{
	if (logger.has_writer)
		return log_queue_line(level, text);
	struct log_page page = {.used = 0};
	pthread_mutex_lock(&logger.lock);
	log_write_line(&page, level, text.text);
	log_page_flush(&page);
	syslog_link_flush();
	pthread_mutex_unlock(&logger.lock);
}

static void log_line(int level, const char *format, va_list arguments)
{
	char raw[LOG_LINE_SIZE], text[LOG_LINE_SIZE];

	int length = vsnprintf(raw, sizeof(raw), format, arguments);
	if (length < 0)
		return;
	size_t used = (size_t)length < sizeof(raw) ? (size_t)length : sizeof(raw) - 1;
	log_text(level,
		 (struct span){text, printable_line(text, sizeof(text), (struct span){raw, used})});
}

void log_open(bool to_stderr)
{
	logger.to_stderr = to_stderr;
	/* Under systemd stderr ends where syslog does, and one line is enough (systemd.exec(5)). */
	logger.errors_to_stderr = getenv("JOURNAL_STREAM") == NULL;
	if (!to_stderr && access("/dev/log", F_OK) != 0)
		fputs("sixgated: warning: there is no system log (/dev/log); -v logs to stderr\n",
		      stderr);
	if (!to_stderr)
		syslog_link_open("sixgated", LOG_MAIL);
}

void log_start_writer(void)
{
	logger.filling.bytes = mem_alloc(LOG_BUFFER_SIZE);
	logger.writing.bytes = mem_alloc(LOG_BUFFER_SIZE);
	logger.stop = logger.has_ended = false;

	/* Signals are for the event loop. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	logger.has_writer = pthread_create(&logger.writer, NULL, log_writer_main, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!logger.has_writer)
		log_warning("log: no thread to be had; a slow system log will slow down mail");
}

/* Let the writer write what waits; false: it hangs in a write that nobody takes. */
static bool log_join_writer(void)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOG_STOP_S;
	pthread_mutex_lock(&logger.lock);
	logger.stop = true;
	pthread_cond_signal(&logger.wake);
	while (!logger.has_ended && error == 0)
		error = pthread_cond_clockwait(&logger.ended, &logger.lock, CLOCK_MONOTONIC,
					       &until);
	bool has_ended = logger.has_ended;
	pthread_mutex_unlock(&logger.lock);
	return has_ended && pthread_join(logger.writer, NULL) == 0;
}

void log_stop_writer(void)
{
	if (logger.has_writer) {
		/* Then it ends with the process. */
		if (!log_join_writer())
			return;
		logger.has_writer = false;
	}
	free(logger.filling.bytes);
	free(logger.writing.bytes);
	logger.filling = logger.writing = (struct log_buffer){NULL, 0};
}

#define LOG_AT(level)                                                                              \
	do {                                                                                       \
		va_list arguments;                                                                 \
		va_start(arguments, format);                                                       \
		log_line((level), format, arguments);                                              \
		va_end(arguments);                                                                 \
	} while (0)

void log_fatal(const char *format, ...)
{
	LOG_AT(LOG_ERR);
	if (logger.has_writer)
		(void)log_join_writer();
	abort();
}

void log_error(const char *format, ...)
{
	LOG_AT(LOG_ERR);
}

void log_warning(const char *format, ...)
{
	LOG_AT(LOG_WARNING);
}

void log_info_printable(struct span text)
{
	/* One that is to be cut is cut between two characters. */
	if (text.length >= LOG_LINE_SIZE)
		return log_info("%.*s", (int)text.length, text.text);
	log_text(LOG_INFO, text);
}

void log_info(const char *format, ...)
{
	LOG_AT(LOG_INFO);
}

void log_debug(const char *format, ...)
{
	if (logger.to_stderr)
		LOG_AT(LOG_DEBUG);
}
