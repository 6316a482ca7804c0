/* SPDX-License-Identifier: BSD-2-Clause */
#include "watch.h"

#include "screen.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* There is one terminal; what leaves it is called from where a complaint is printed, too. */
static struct {
	bool is_taken, has_keys;
	struct termios before;
} watch_terminal;

static volatile sig_atomic_t watch_is_ending;

static void on_watch_signal(int number)
{
	if (number != SIGWINCH) /* that one only wakes up ppoll(2) */
		watch_is_ending = 1;
}

/* Back to what was there before. */
static void watch_leave(void)
{
	if (!watch_terminal.is_taken)
		return;
	watch_terminal.is_taken = false;
	if (watch_terminal.has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &watch_terminal.before);
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
}

static void watch_enter(void)
{
	watch_terminal.is_taken = true;
	watch_terminal.has_keys =
		isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &watch_terminal.before) == 0;
	if (watch_terminal.has_keys) {
		struct termios keys = watch_terminal.before;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
	}
	fputs("\033[?1049h\033[?25l", stdout);
	screen_before_complaint(watch_leave);
}

/* Over what is there, line by line, so that nothing flickers; what does not fit is left out. */
static void watch_show(const char *text)
{
	struct winsize size = {0};
	int lines = 24;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1)
		lines = size.ws_row;
	fputs("\033[H", stdout);
	for (int i = 0; i < lines && *text != '\0'; i++) {
		size_t length = strcspn(text, "\n");
		fwrite(text, 1, length, stdout);
		fputs(i + 1 < lines ? "\033[K\n" : "\033[K", stdout);
		text += length + (text[length] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* Until the next view is due.  False when it is over. */
static bool watch_wait(int interval_s, const sigset_t *signals)
{
	struct pollfd keys = {.fd = watch_terminal.has_keys ? STDIN_FILENO : -1, .events = POLLIN};
	struct timespec timeout = {.tv_sec = interval_s};
	char key;

	if (watch_is_ending)
		return false;
	if (ppoll(&keys, 1, &timeout, signals) > 0) {
		if (read(STDIN_FILENO, &key, 1) != 1)
			return false;
		return key != 'q' && key != 'Q';
	}
	return !watch_is_ending;
}

/* One view, on the terminal or behind the one before. */
static int watch_draw(const struct ctl *ctl, watch_draw_fn *draw)
{
	char *text = NULL;
	size_t length = 0;
	struct ctl now = *ctl;

	if (watch_terminal.is_taken)
		screen_look(&now); /* it may have another size */
	FILE *to = open_memstream(&text, &length);
	if (to == NULL) {
		screen_complain("cannot make a buffer: %m");
		return CTL_REFUSED;
	}
	int status = draw(&now, to);
	fclose(to);
	if (status == CTL_DONE && watch_terminal.is_taken) {
		watch_show(text);
	} else if (status == CTL_DONE) {
		fputs(text, stdout);
		putchar('\n');
		if (fflush(stdout) != 0) /* the reader has gone */
			status = CTL_REFUSED;
	}
	free(text);
	return status;
}

int watch_run(const struct ctl *ctl, int interval_s, watch_draw_fn *draw)
{
	const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct sigaction action = {.sa_handler = on_watch_signal};
	sigset_t blocked, before;

	/* They are let in only while ppoll(2) waits, so that none is missed between two looks. */
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaddset(&blocked, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (ctl->width > 0)
		watch_enter();
	int status;
	do {
		status = watch_draw(ctl, draw);
	} while (status == CTL_DONE && watch_wait(interval_s, &before));
	watch_leave();
	return status;
}
