/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_file.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum text_file_status text_file_read(struct text_file *file, const char *path, struct diag *diag)
{
	enum text_file_status status = TEXT_FILE_FAILED;
	struct stat about;

	*file = (struct text_file){.name = mem_copy_string(path)};
	/* O_NONBLOCK: opening a FIFO by mistake must not wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT)
			return TEXT_FILE_MISSING;
		diag_error(diag, path, 0, "cannot open: %s", strerror(errno));
		return TEXT_FILE_FAILED;
	}
	if (fstat(fd, &about) < 0) {
		diag_error(diag, path, 0, "cannot look at: %s", strerror(errno));
		goto out;
	}
	if (!S_ISREG(about.st_mode)) {
		diag_error(diag, path, 0, "is not a regular file");
		goto out;
	}
	if (about.st_size > TEXT_FILE_SIZE_MAX) {
		diag_error(diag, path, 0, "is larger than %d bytes", TEXT_FILE_SIZE_MAX);
		goto out;
	}
	/* The file may grow while it is read; what was there when it was opened is what is read. */
	file->bytes = mem_alloc((size_t)about.st_size + 1);
	while (file->length < (size_t)about.st_size) {
		ssize_t got =
			read(fd, file->bytes + file->length, (size_t)about.st_size - file->length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			diag_error(diag, path, 0, "cannot read: %s", strerror(errno));
			goto out;
		}
		if (got == 0)
			break;
		file->length += (size_t)got;
	}
	/* Some editors begin a file with a byte order mark, which nobody sees. */
	if (span_starts_with((struct span){file->bytes, file->length}, SPAN("\xef\xbb\xbf")))
		file->at = 3;
	status = TEXT_FILE_READ;
out:
	close(fd);
	return status;
}

void text_file_from_memory(struct text_file *file, const char *name, struct span text)
{
	*file = (struct text_file){
		.name = mem_copy_string(name),
		.bytes = mem_copy_text(text.text, text.length),
		.length = text.length,
	};
}

/* The next line as it stands in the file, without its newline. */
static struct span text_file_raw_line(struct text_file *file)
{
	struct span rest = {file->bytes + file->at, file->length - file->at};
	struct span line = span_first(rest, span_find(rest, '\n'));
	file->at += line.length < rest.length ? line.length + 1 : line.length;
	file->line++;
	return line;
}

static void text_file_join(struct text_file *file, struct span part)
{
	if (file->joined_length + part.length > file->joined_size) {
		file->joined_size = 2 * (file->joined_length + part.length);
		file->joined = mem_resize(file->joined, file->joined_size);
	}
	memcpy(file->joined + file->joined_length, part.text, part.length);
	file->joined_length += part.length;
}

bool text_file_next(struct text_file *file, struct span *line, unsigned *line_number)
{
	*line_number = 0;
	file->joined_length = 0;
	while (file->at < file->length) {
		struct span raw = text_file_raw_line(file);
		struct span text = span_trim(raw);
		if (text.length > 0 && text.text[0] != '#') {
			if (file->joined_length == 0)
				*line_number = file->line;
			else
				text = raw; /* its leading blank separates it from what was before
					     */
			text_file_join(file, text);
		}
		/* As Postfix's readllines(): comments and blank lines do not end a logical line, a
		 * line that begins with something else does. */
		if (file->joined_length > 0 && file->at < file->length &&
		    !ascii_is_one_of(file->bytes[file->at], " \t\r\n#"))
			break;
	}
	*line = span_trim((struct span){file->joined, file->joined_length});
	return line->length > 0;
}

void text_file_clear(struct text_file *file)
{
	free(file->name);
	free(file->bytes);
	free(file->joined);
	*file = (struct text_file){0};
}

void text_file_each_line(const char *path, bool may_be_missing, text_file_line_fn *take, void *arg,
			 struct diag *diag)
{
	struct text_file file;
	struct span line;
	unsigned number;

	switch (text_file_read(&file, path, diag)) {
	case TEXT_FILE_MISSING:
		if (!may_be_missing)
			diag_error(diag, path, 0, "no such file");
		break;
	case TEXT_FILE_FAILED:
		break;
	case TEXT_FILE_READ:
		while (text_file_next(&file, &line, &number)) {
			if (memchr(line.text, '\0', line.length) != NULL)
				diag_error(diag, path, number, "a NUL byte; expected a text file");
			else
				take(line, number, arg);
		}
		break;
	}
	text_file_clear(&file);
}
