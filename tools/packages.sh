# SPDX-License-Identifier: BSD-2-Clause
# Which Debian packages the commands need, and how they get them.  Sourced by tools/quickstart,
# tools/check and bench/run.

# To build, and to talk to what was built.
build_packages="gcc libc6-dev meson ninja-build pkg-config python3 \
libevent-dev libsqlite3-dev libsodium-dev libsystemd-dev libc-ares-dev libspf2-dev libidn2-dev \
libjansson-dev libcurl4-openssl-dev"

# To run every test as well.
check_packages="$build_packages clang libclang-rt-dev clang-format clang-tidy cppcheck mandoc curl prometheus systemd bash-completion \
python3-pytest python3-pytest-xdist python3-dnspython python3-yaml python3-spf"

# To run those that need root: a real Postfix, a real DNS server, in network namespaces.
root_packages="postfix unbound iproute2 util-linux procps openssl ca-certificates"

# To measure Sixgate beside its peers: bench/run.
bench_packages="postgrey sqlgrey libdbd-sqlite3-perl postfix-policyd-spf-python postfix-policyd-spf-perl \
unbound iproute2 util-linux python3"

is_installed() {
	[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# Install those of "$@" that are missing, after saying so.  Without root: tell what to do, and end.
install_packages() {
	local missing=""
	for package in "$@"; do
		is_installed "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "These Debian packages are missing, and installing them takes root:"
		echo "    sudo apt-get install --no-install-recommends$missing"
		exit 1
	fi
	echo "Installing with apt-get:$missing"
	export DEBIAN_FRONTEND=noninteractive
	case "$missing" in
	*" postfix"*)
		# Only its programs are wanted; nothing of it is to be configured or started here.
		echo "(Postfix is installed without a configuration, and is not started.)"
		echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
		;;
	esac
	# What dpkg and debconf say of themselves is of no interest while all goes well.
	local errors
	errors=$(mktemp)
	apt-get update -qq
	# Only programs are wanted: no service of theirs is to run on this machine because of us.
	local policy=/usr/sbin/policy-rc.d
	if [ -e "$policy" ]; then
		policy=""
	else
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	local status=0
	# shellcheck disable=SC2086 # a list of words
	apt-get install -qq --yes --no-install-recommends $missing >/dev/null 2>"$errors" || status=$?
	[ -z "$policy" ] || rm -f "$policy"
	if [ "$status" != 0 ]; then
		cat "$errors"
		exit 1
	fi
	rm -f "$errors"
}
