#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# Fill the SQLite database that sqlgrey has made with senders that passed an hour ago.
#
#   fill_sqlgrey.pl FILE EXPIRED <LINES     lines are those of policy-load --print; the last EXPIRED of them came
#                                           once, three days ago, and are of no use any more
#
# What a row is, is taken from sqlgrey's own source.
use strict;
use warnings;
use DBI;

my ($file, $expired) = @ARGV;

open(my $source, '<', '/usr/sbin/sqlgrey') or die "sqlgrey: $!\n";
my $text = do { local $/; <$source> };
for my $name (qw(is_ipv4 is_ipv6 ipv6_normalise ipv6_is_eui64 ipv6_is_global_unicast ipv6_smart class_c
                 get_last_addr_part deverp_user normalize_sender normalize_rcpt client_identifier read_a_regexp)) {
	$text =~ /^(sub $name\b.*?^\})/ms or die "sqlgrey: $name() is not there\n";
	eval "no strict; no warnings; $1; 1" or die $@;
}
sub mylog { }
my $self = bless { sqlgrey => { greymethod => 'smart' } };
for my $name (qw(smtp_server dyn_fqdn)) {
	$self->{sqlgrey}{"${name}_re"} = $self->read_a_regexp("/etc/sqlgrey/$name.regexp");
}

my @lines = <STDIN>;
my $now = time;
my $db = DBI->connect("dbi:SQLite:dbname=$file", '', '', { RaiseError => 1, AutoCommit => 0 });
my $passed = $db->prepare('INSERT OR IGNORE INTO from_awl (sender_name, sender_domain, src, first_seen, last_seen)'
	. ' VALUES (?, ?, ?, ?, ?)');
my $waiting = $db->prepare('INSERT INTO connect (sender_name, sender_domain, src, rcpt, first_seen)'
	. ' VALUES (?, ?, ?, ?, ?)');
for my $i (0 .. $#lines) {
	chomp(my $line = $lines[$i]);
	my ($address, $host, $sender, $recipient) = split /\t/, $line;
	my ($name, $domain, $folded) = $self->normalize_sender($sender, $recipient);
	my $client = $self->client_identifier($address, $host);
	if ($i < @lines - $expired) {
		$passed->execute($folded, $domain, $client, $now - 4000, $now - 3600);
	} else {
		$waiting->execute($name, $domain, $client, $self->normalize_rcpt($recipient), $now - 3 * 86400);
	}
}
$db->commit;
$db->disconnect;
