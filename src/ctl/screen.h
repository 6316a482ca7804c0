/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes to the terminal: text made fit to be shown, colours where they are wanted, complaints.
 *
 * What the daemon says holds what strangers sent.  It is printable already, but a terminal obeys
 * whatever it is sent, so nothing is printed without being looked at here once more.
 */
#pragma once

#include "command.h"

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_WARN, PAINT_BAD, PAINT_DIM, PAINT_BOLD };

/* "sixgatectl: ..." and a newline on stderr; what is not printable becomes \xNN. */
__attribute__((format(printf, 1, 2))) void screen_complain(const char *format, ...);

/* Run before a complaint is printed, so that it is not lost on a screen that is given back. */
void screen_before_complaint(void (*before)(void));

/* A printable copy of text; NULL counts as empty.  Free it. */
char *screen_text(const char *text);

/* Print text, made printable, on stdout. */
void screen_print(const char *text);

/* The same in a colour, if there are colours. */
void screen_print_painted(const struct ctl *ctl, enum paint paint, const char *text);

/* The escape sequence that begins a colour, or an empty string. */
const char *screen_paint(const struct ctl *ctl, enum paint paint);

/* How many columns a printable text takes: characters, not bytes. */
size_t screen_columns(const char *text);

/* Find out whether stdout is a terminal, how wide it is, and whether colours are wanted. */
void screen_look(struct ctl *ctl);
