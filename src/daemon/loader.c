/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/wakeup.h"
#include "file_watch.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
	/* How often the files are looked at.  With FILE_WATCH_SETTLED_MS and the time to read, a
	 * change is in force well within two seconds. */
	LOADER_LOOK_MS = 250,
};

/* What one reading gave. */
struct loader_set {
	struct config *config;
	struct ruleset_part parts[RULESET_TABLE_COUNT];
	struct file_watch watches[RULESET_TABLE_COUNT];
	/* The file is being written: part and watch are empty, and those that there are stay. */
	bool keeps[RULESET_TABLE_COUNT];
};

/* Something for the event loop. */
struct loader_news {
	TAILQ_ENTRY(loader_news) link;
	uint64_t reload;          /* the answer to the loader_reload() of that number; else 0 */
	bool succeeded;           /* a reload that did not brings nothing */
	struct diag messages;     /* of a reload */
	struct config *config;    /* owned; a whole reload, and the parts that are not there stay as
				   * they    are; else NULL */
	enum ruleset_table which; /* the only part that is there, when config is NULL */
	struct ruleset_part parts[RULESET_TABLE_COUNT];
};

TAILQ_HEAD(loader_queue, loader_news);

struct loader {
	struct loader_source source;

	/* The loop's own. */
	struct ruleset *rules;   /* held: those in force */
	struct ruleset *started; /* held: those of the start, for what takes a restart to change */
	struct wakeup *wakeup;   /* owned; there are news; NULL before the start */
	loader_rules_fn *on_rules;
	loader_reloaded_fn *on_reloaded;
	void *arg;

	pthread_t thread;
	int control_fd;         /* owned; an eventfd that wakes the thread */
	pthread_mutex_t lock;   /* of the next four */
	uint64_t reload_wanted; /* number of the last one that was asked for */
	uint64_t reload_begun;  /* of the last one that was begun */
	bool stop;
	struct loader_queue news;

	/* The thread's own. */
	struct config *config; /* borrowed: the loop's ruleset has it, see loader_hand_over() */
	struct file_watch watches[RULESET_TABLE_COUNT];
};

static void loader_clear_set(struct loader_set *set)
{
	config_free(&set->config);
	for (size_t i = 0; i < RULESET_TABLE_COUNT; i++) {
		ruleset_part_free(&set->parts[i]);
		file_watch_clear(&set->watches[i]);
	}
}

/* Read everything; false when there was an error, and then set is empty. */
static bool loader_read(struct loader *loader, struct loader_set *set, struct diag *diag)
{
	const struct loader_source *source = &loader->source;
	size_t errors_before = diag->error_count;

	memset(set, 0, sizeof(*set));
	set->config = config_read(source->path, source->overrides, source->override_count, diag);
	for (unsigned i = 0; i < RULESET_TABLE_COUNT; i++) {
		const char *path = ruleset_table_path(set->config, i)->path;
		struct file_watch *now = &loader->watches[i];
		if (now->path != NULL && strcmp(now->path, path) == 0 &&
		    file_watch_is_written(now)) {
			log_warning("%s: is being written; the old table stays in force until its "
				    "writer is done",
				    path);
			set->keeps[i] = true;
			continue;
		}
		/* Looked at before it is read: what is changed in between is read again. */
		file_watch_init(&set->watches[i], path);
		(void)ruleset_read_table(set->config, i, &set->parts[i], diag);
	}
	bool succeeded = diag->error_count == errors_before;
	if (!succeeded)
		loader_clear_set(set);
	return succeeded;
}

struct loader *loader_new(const struct loader_source *source, struct ruleset **rules,
			  struct diag *diag)
{
	struct loader *loader = mem_alloc(sizeof(*loader));
	struct loader_set set;

	loader->source = *source;
	TAILQ_INIT(&loader->news);
	pthread_mutex_init(&loader->lock, NULL);
	loader->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!loader_read(loader, &set, diag)) {
		loader_free(&loader);
		return NULL;
	}
	loader->config = set.config;
	memcpy(loader->watches, set.watches, sizeof(loader->watches));
	loader->rules = ruleset_new(set.config, set.parts, NULL);
	loader->started = ruleset_hold(loader->rules);
	*rules = ruleset_hold(loader->rules);
	return loader;
}

static void loader_send(struct loader *loader, const struct loader_news *news)
{
	struct loader_news *sent = mem_alloc(sizeof(*sent));

	*sent = *news;
	pthread_mutex_lock(&loader->lock);
	TAILQ_INSERT_TAIL(&loader->news, sent, link);
	pthread_mutex_unlock(&loader->lock);
	wakeup_send(loader->wakeup);
}

/* A whole reload, on the thread. */
static void loader_run_reload(struct loader *loader, uint64_t number)
{
	struct loader_set set;
	struct loader_news news = {.reload = number};

	news.succeeded = loader_read(loader, &set, &news.messages);
	if (news.succeeded) {
		for (size_t i = 0; i < RULESET_TABLE_COUNT; i++) {
			if (set.keeps[i])
				continue;
			file_watch_clear(&loader->watches[i]);
			loader->watches[i] = set.watches[i];
		}
		news.config = loader->config = set.config;
		memcpy(news.parts, set.parts, sizeof(news.parts));
	}
	loader_send(loader, &news);
}

/* The file of one table has changed and its writer is done. */
static void loader_run_table(struct loader *loader, enum ruleset_table which)
{
	struct file_watch *watch = &loader->watches[which];
	struct loader_news news = {.which = which};
	struct diag diag = {0};

	if (!file_watch_is_finished(watch)) {
		log_warning("%s: the last line does not end in a newline, so that it may be half "
			    "written: the old table stays in force until the file is complete or "
			    "sixgated is reloaded",
			    watch->path);
		file_watch_take(watch);
		return;
	}
	bool succeeded = ruleset_read_table(loader->config, which, &news.parts[which], &diag);
	if (!file_watch_is_unchanged(watch)) {
		/* Somebody wrote while we read; look again when that has settled. */
		ruleset_part_free(&news.parts[which]);
		diag_clear(&diag);
		return;
	}
	file_watch_take(watch);
	diag_log(&diag);
	if (succeeded) {
		size_t count = ruleset_part_count(&news.parts[which]);
		if (watch->seen.exists)
			log_info("%s: read again, %zu %s", watch->path, count,
				 count == 1 ? "entry" : "entries");
		else
			log_warning("%s: the file is gone, so that the table is empty now",
				    watch->path);
		loader_send(loader, &news);
	} else {
		log_error("%s: the old table stays in force", watch->path);
	}
	diag_clear(&diag);
}

static void *loader_main(void *arg)
{
	struct loader *loader = arg;
	struct pollfd control = {.fd = loader->control_fd, .events = POLLIN};

	for (;;) {
		uint64_t count;
		if (poll(&control, 1, LOADER_LOOK_MS) > 0 &&
		    read(loader->control_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			log_error("eventfd: %s", strerror(errno));
		pthread_mutex_lock(&loader->lock);
		bool stop = loader->stop, reload = loader->reload_begun != loader->reload_wanted;
		uint64_t number = loader->reload_begun = loader->reload_wanted;
		pthread_mutex_unlock(&loader->lock);
		if (stop)
			return NULL;
		if (reload)
			loader_run_reload(loader, number);
		for (unsigned i = 0; i < RULESET_TABLE_COUNT; i++)
			if (file_watch_has_changed(&loader->watches[i], clock_mono_ms()))
				loader_run_table(loader, i);
	}
}

static void loader_free_news(struct loader_news *news)
{
	config_free(&news->config);
	diag_clear(&news->messages);
	for (size_t i = 0; i < RULESET_TABLE_COUNT; i++)
		ruleset_part_free(&news->parts[i]);
	free(news);
}

/*
 * Make rules from what the thread read, on the loop.  The thread goes on using the config of the
 * reading that it did last; that stays alive, as loader->rules holds it until the next one is here.
 */
static void loader_hand_over(struct loader *loader, struct loader_news *news)
{
	struct ruleset *rules = NULL;

	if (news->config != NULL) {
		config_warn_restarts(ruleset_config(loader->started), news->config,
				     &news->messages);
		rules = ruleset_new(news->config, news->parts, loader->rules);
	} else if (news->reload == 0) {
		rules = ruleset_replace(loader->rules, news->which, news->parts[news->which]);
	}
	if (rules != NULL) {
		news->config = NULL;
		memset(news->parts, 0, sizeof(news->parts));
		ruleset_release(&loader->rules);
		loader->rules = rules;
		loader->on_rules(ruleset_hold(rules), loader->arg);
	}
	if (news->reload == 0)
		return;
	diag_log(&news->messages);
	if (!news->succeeded)
		log_error("reload: nothing was changed, the settings and tables from before stay "
			  "in force");
	loader->on_reloaded(news->reload, news->succeeded, &news->messages, loader->arg);
}

static struct loader_news *loader_take_news(struct loader *loader)
{
	pthread_mutex_lock(&loader->lock);
	struct loader_news *news = TAILQ_FIRST(&loader->news);
	if (news != NULL)
		TAILQ_REMOVE(&loader->news, news, link);
	pthread_mutex_unlock(&loader->lock);
	return news;
}

static void on_loader_news(void *arg)
{
	struct loader *loader = arg;
	struct loader_news *news;

	while ((news = loader_take_news(loader)) != NULL) {
		loader_hand_over(loader, news);
		loader_free_news(news);
	}
}

static void loader_warn_unreadable_file(const char *path)
{
	if (path[0] != '\0' && access(path, R_OK) != 0 && errno == EACCES)
		log_warning("%s: our user cannot read it, so that an edit or a reload will fail",
			    path);
}

void loader_warn_unreadable(const struct loader *loader)
{
	const char *settings = loader->source.path;

	loader_warn_unreadable_file(settings != NULL ? settings : CONFIG_DEFAULT_FILE);
	for (size_t i = 0; i < RULESET_TABLE_COUNT; i++)
		loader_warn_unreadable_file(loader->watches[i].path);
}

bool loader_start(struct loader *loader, struct event_base *base, loader_rules_fn *on_rules,
		  loader_reloaded_fn *on_reloaded, void *arg)
{
	sigset_t all, before;

	loader->on_rules = on_rules;
	loader->on_reloaded = on_reloaded;
	loader->arg = arg;
	loader->wakeup = wakeup_new(base, on_loader_news, loader);
	if (loader->wakeup == NULL || loader->control_fd < 0)
		return false;
	/* Signals are for the event loop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(&loader->thread, NULL, loader_main, loader) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!started)
		wakeup_free(&loader->wakeup);
	return started;
}

/* There is something new for the thread in what its lock guards. */
static void loader_wake(struct loader *loader)
{
	uint64_t one = 1;

	if (write(loader->control_fd, &one, sizeof(one)) != sizeof(one))
		log_error("eventfd: %s", strerror(errno));
}

uint64_t loader_reload(struct loader *loader)
{
	pthread_mutex_lock(&loader->lock);
	uint64_t number = ++loader->reload_wanted;
	pthread_mutex_unlock(&loader->lock);
	loader_wake(loader);
	return number;
}

const struct config *loader_started_config(const struct loader *loader)
{
	return ruleset_config(loader->started);
}

void loader_free(struct loader **loader)
{
	struct loader *freed = *loader;
	struct loader_news *news;

	if (freed == NULL)
		return;
	*loader = NULL;
	if (freed->wakeup != NULL) {
		pthread_mutex_lock(&freed->lock);
		freed->stop = true;
		pthread_mutex_unlock(&freed->lock);
		loader_wake(freed);
		pthread_join(freed->thread, NULL);
		wakeup_free(&freed->wakeup);
	}
	while ((news = loader_take_news(freed)) != NULL)
		loader_free_news(news);
	for (size_t i = 0; i < RULESET_TABLE_COUNT; i++)
		file_watch_clear(&freed->watches[i]);
	ruleset_release(&freed->rules);
	ruleset_release(&freed->started);
	pthread_mutex_destroy(&freed->lock);
	if (freed->control_fd >= 0)
		close(freed->control_fd);
	free(freed);
}
