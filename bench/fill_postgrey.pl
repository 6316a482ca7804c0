#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# Fill postgrey's database with triplets that passed an hour ago.
#
#   fill_postgrey.pl DIRECTORY EXPIRED <LINES     lines are those of policy-load --print; the last EXPIRED
#                                                 of them came once, three days ago, and are of no use any more
#
# What a key is, is taken from postgrey's own source.
use strict;
use warnings;
use BerkeleyDB;
use NetAddr::IP;

my ($directory, $expired) = @ARGV;

open(my $source, '<', '/usr/sbin/postgrey') or die "postgrey: $!\n";
my $text = do { local $/; <$source> };
$text =~ /^(sub do_sender_substitutions\b.*?^\})/ms or die "postgrey: do_sender_substitutions() is not there\n";
eval "no warnings; $1; 1" or die $@;

my @lines = <STDIN>;
my $now = time;
my $passed = ($now - 3600 - 400) . ',' . ($now - 3600);
my $gone = ($now - 3 * 86400) . ',' . ($now - 3 * 86400);
my $db = BerkeleyDB::Btree->new(-Filename => "$directory/postgrey.db", -Flags => DB_CREATE, -Cachesize => 512 << 20)
	or die "$directory/postgrey.db: $BerkeleyDB::Error\n";
for my $i (0 .. $#lines) {
	chomp(my $line = $lines[$i]);
	my ($address, undef, $sender, $recipient) = split /\t/, $line;
	my $ip = NetAddr::IP->new($address);
	my $network = NetAddr::IP->new($ip->addr, $ip->bits == 32 ? 24 : 64)->network->addr;
	my $key = lc("$network/" . do_sender_substitutions({}, $sender) . "/$recipient");
	$db->db_put($key, $i < @lines - $expired ? $passed : $gone) == 0 or die "$BerkeleyDB::Error\n";
}
$db->db_close() == 0 or die "$BerkeleyDB::Error\n";
